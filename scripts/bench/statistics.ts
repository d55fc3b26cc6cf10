/** What is kept of a list of figures. */
export interface Summary {
  readonly median: number;
  /** The quartiles, between which half of the figures lie. */
  readonly low: number;
  readonly high: number;
  /** The median of the distances from the median. */
  readonly mad: number;
}

/** How many MADs from the median, and what part of it, a disturbed figure is off at least. */
const FAR_MADS = 5;
const FAR_PART = 0.3;

/** The value below which a part of the figures lies. */
export function quantile(figures: readonly number[], part: number): number {
  const sorted = [...figures].sort((one, other) => one - other);
  const at = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

export function summarize(figures: readonly number[]): Summary {
  const middle = median(figures);
  return {
    median: middle,
    low: quantile(figures, 0.25),
    high: quantile(figures, 0.75),
    mad: median(figures.map((figure) => Math.abs(figure - middle))),
  };
}

/**
 * The rounds in which something else took the machine: some figure lies far above what it is in the others.
 *
 * @param rounds The figures of every round, each in the same order.
 * @returns Their indexes.
 */
export function disturbed(rounds: readonly (readonly number[])[]): number[] {
  const limits = rounds[0]!.map((_, index) => {
    const { median, mad } = summarize(rounds.map((round) => round[index]!));
    return median + Math.max(FAR_MADS * mad, FAR_PART * median);
  });
  return [...rounds.keys()].filter((at) =>
    rounds[at]!.some((figure, index) => figure > limits[index]!)
  );
}
