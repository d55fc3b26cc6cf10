import { session } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { HONO_RANGE } from "../../scripts/npm/package.ts";

const LEAST = HONO_RANGE.replace("^", "");
const { Hono } = await import(`npm:hono@${LEAST}`);
const { handle } = await import(`npm:hono@${LEAST}/aws-lambda`);

/** The names of the cookies that a login behind Lambda sends, each by its own header. */
async function cookiesBehind(event: object): Promise<string[]> {
  const app = new Hono()
    .use(session({ store: new MapStore(), existsCookieName: "exists" }))
    .get("/", (c: { session: { name: string } }) => new Response(c.session.name = "Ada"));
  const { headers } = await handle(app)({ body: "", isBase64Encoded: false, path: "/", ...event });
  return [headers["set-cookie"]].flat().map((cookie) => cookie.replace(/=[^,]*/, ""));
}

Deno.test(`Hono ${LEAST} joins no two cookies behind VPC Lattice`, async () => {
  const cookies = await cookiesBehind({
    version: "2.0",
    method: "GET",
    headers: { host: ["localhost"] },
    requestContext: { serviceArn: "arn" },
  });
  assertEquals(cookies.toSorted(), ["exists", "sid"]);
});

Deno.test(`Hono ${LEAST} sends the session cookie behind a load balancer with single-value headers`, async () => {
  const cookies = await cookiesBehind({
    httpMethod: "GET",
    headers: { host: "localhost" },
    requestContext: { elb: { targetGroupArn: "arn" } },
  });
  assertEquals(cookies, ["sid"]);
});
