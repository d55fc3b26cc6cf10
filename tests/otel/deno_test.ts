import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";

/** The part of the JSON of OTLP that metrics use. */
interface Exported {
  resourceMetrics: { scopeMetrics: { scope: { name: string }; metrics: Metric[] }[] }[];
}

interface Metric {
  name: string;
  unit: string;
  sum?: { dataPoints: Point[]; isMonotonic: boolean };
  histogram?: { dataPoints: Point[] };
}

interface Point {
  attributes: { key: string; value: { stringValue: string } }[];
  asInt?: string;
  asDouble?: number;
  count?: string;
  sum?: number;
  explicitBounds?: number[];
}

/** Runs the application under Deno's own exporter, and returns the last export and all texts. */
async function run(): Promise<{ metrics: Map<string, Metric>; texts: string[] }> {
  const texts: string[] = [];
  await using receiver = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const text = await request.text();
      if (new URL(request.url).pathname === "/v1/metrics") texts.push(text);
      return Response.json({});
    },
  );
  const map = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--unstable-kv", "--no-check"],
      ...(map ? [`--import-map=${map}`] : []),
      "tests/_support/otel_app.ts",
    ],
    cwd: fromFileUrl(ROOT),
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.addr.port}`,
    },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const metrics = new Map<string, Metric>();
  for (const text of texts) {
    const { resourceMetrics }: Exported = JSON.parse(text);
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { scope, metrics: all } of scopeMetrics) {
        if (scope.name !== "@x/hono-session") continue;
        for (const metric of all) metrics.set(metric.name, metric);
      }
    }
  }
  return { metrics, texts };
}

/** The values of a counter, or the counts of a histogram, by attributes. */
function valuesOf({ sum, histogram }: Metric): Record<string, number> {
  return Object.fromEntries(
    (sum ?? histogram)!.dataPoints.map(({ attributes, asInt, asDouble, count }) => [
      attributes.map(({ key, value }) => `${key}=${value.stringValue}`).toSorted().join(),
      Number(asInt ?? asDouble ?? count),
    ]),
  );
}

Deno.test("Deno exports the metrics of sessions by itself", async () => {
  const { metrics, texts } = await run();
  const counters = ["created", "ended", "rejected"].map((name) =>
    metrics.get(`hono_session.${name}`)!
  );
  assertEquals(counters.map(valuesOf), [
    { "": 4 },
    { "hono_session.end.reason=logout": 3 },
    { "hono_session.rejection.reason=malformed": 1 },
  ]);
  assertEquals(counters.map(({ unit, sum }) => [unit, sum!.isMonotonic]), [
    ["{session}", true],
    ["{session}", true],
    ["{token}", true],
  ]);
  const duration = metrics.get("hono_session.store.operation.duration")!;
  assertEquals(duration.unit, "s");
  assertEquals(valuesOf(duration), {
    "hono_session.store.operation=create": 4,
    "hono_session.store.operation=delete": 3,
    "hono_session.store.operation=generation": 3,
    "hono_session.store.operation=read": 6,
    "hono_session.store.operation=update": 3,
  });
  for (const { sum, explicitBounds } of duration.histogram!.dataPoints) {
    assert(sum! > 0 && sum! < 10, `${sum} seconds`);
    assertEquals(explicitBounds, [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]);
  }
  assert(!texts.join().includes("user:"), "no subject");
});
