import {
  type Attributes,
  createNoopMeter,
  type MeterProvider,
  type MetricOptions,
  metrics,
} from "@opentelemetry/api";

/** One measurement: the name of its instrument, its value and its attributes. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly attributes: Attributes;
}

/** Takes the place of an SDK until it is disposed of, and keeps all measurements. */
export class Meters implements Disposable, MeterProvider {
  readonly instruments = new Map<string, MetricOptions>();
  readonly meters: string[] = [];
  #measurements: Measurement[] = [];

  constructor() {
    metrics.setGlobalMeterProvider(this);
  }

  getMeter(meter: string) {
    this.meters.push(meter);
    const measure = (name: string, options: MetricOptions = {}) => {
      this.instruments.set(name, options);
      return (value: number, attributes: Attributes = {}) =>
        void this.#measurements.push({ name, value, attributes });
    };
    return Object.assign(createNoopMeter(), {
      createCounter: (name: string, options?: MetricOptions) => ({ add: measure(name, options) }),
      createHistogram: (name: string, options?: MetricOptions) => ({
        record: measure(name, options),
      }),
    });
  }

  /** The measurements since the last call, those of counters as `name {attributes}`. */
  take(): Measurement[] {
    const taken = this.#measurements;
    this.#measurements = [];
    return taken;
  }

  [Symbol.dispose](): void {
    metrics.disable();
  }
}
