import type { Hono } from "hono";
import { Client } from "./client.ts";

/** A client of another application, as on another machine, that begins with the cookie of this one. */
export async function withSameCookie(client: Client, app: Pick<Hono, "fetch">): Promise<Client> {
  const cookie = `${await client.cookie()}; Path=/; Secure; HttpOnly`;
  const other = new Client({
    fetch: (request) =>
      request.url.endsWith("/take-cookie")
        ? new Response(null, { headers: { "set-cookie": cookie } })
        : app.fetch(request),
  });
  await other.text("/take-cookie");
  return other;
}
