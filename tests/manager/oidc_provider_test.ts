import { backChannelLogout, createSessions } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { type Context, Hono } from "hono";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { CookieJar } from "tough-cookie";
import { streamUntilEnded } from "../_support/ended_stream.ts";
import { type OidcClient, OidcProvider } from "../_support/oidc_provider.ts";

interface Data {
  verifier?: string;
  idToken?: string;
}

const USER = "248289761001";
const SECRET = "the secret of the client, which nobody else knows";

/** A browser that follows redirects. */
class Browser {
  readonly #jar = new CookieJar();

  async visit(url: string, init: RequestInit = {}): Promise<Response> {
    for (let next = { url, init }, redirects = 0; redirects < 20; redirects++) {
      const headers = { cookie: await this.#jar.getCookieString(next.url) };
      const response = await fetch(next.url, { ...next.init, headers, redirect: "manual" });
      for (const line of response.headers.getSetCookie()) {
        await this.#jar.setCookie(line, next.url, { ignoreError: true });
      }
      const location = response.headers.get("location");
      if (!location) return response;
      await response.body?.cancel();
      next = { url: new URL(location, next.url).href, init: {} };
    }
    throw new Error(`too many redirects from ${url}`);
  }
}

/** An application that lets its users log in at the provider. */
function makeApp(origin: string, provider: () => OidcProvider, client: OidcClient) {
  const redirect_uri = `${origin}/callback`;
  const audience = client.client_id;
  const verify = (jwt: string, _: Context) => {
    const { issuer } = provider();
    return jwtVerify(jwt, createRemoteJWKSet(new URL(`${issuer}/jwks`)), { issuer, audience });
  };
  const sessions = createSessions<Data>({
    store: new MapStore(),
    cookieOptions: { secure: false },
  });
  const subject = ({ sub }: { sub?: string }) => `user:${sub}`;
  const app = new Hono()
    .post("/backchannel-logout", backChannelLogout({ sessions, verify, subject }))
    .use(sessions.middleware())
    .get("/login", async (c) => {
      const verifier = c.var.session.verifier = crypto.randomUUID() + crypto.randomUUID();
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
      const query = new URLSearchParams({
        client_id: client.client_id,
        response_type: "code",
        scope: "openid",
        redirect_uri,
        code_challenge_method: "S256",
        code_challenge: new Uint8Array(digest).toBase64({
          alphabet: "base64url",
          omitPadding: true,
        }),
      });
      return c.redirect(`${provider().issuer}/auth?${query}`);
    })
    .get("/callback", async (c) => {
      const { session } = c.var;
      const response = await fetch(`${provider().issuer}/token`, {
        method: "POST",
        headers: {
          authorization: `Basic ${btoa(`${client.client_id}:${encodeURIComponent(SECRET)}`)}`,
        },
        body: new URLSearchParams({
          grant_type: "authorization_code",
          code: c.req.query("code") ?? "",
          code_verifier: session.verifier ?? "",
          redirect_uri,
        }),
      });
      const { id_token } = await response.json();
      const { payload } = await verify(id_token, c);
      await session.regenerate();
      session.idToken = id_token;
      session.subject = `user:${payload.sub}`;
      const sid = typeof payload.sid === "string" ? payload.sid : undefined;
      session.provider = { issuer: payload.iss!, sid };
      return c.redirect("/me");
    })
    .get("/stream", (c) => streamUntilEnded(c, c.var.session))
    .get(
      "/logout",
      (c) => c.redirect(`${provider().issuer}/session/end?id_token_hint=${c.var.session.idToken}`),
    )
    .get("/me", (c) => c.text(c.var.session.subject ?? "nobody"));
  return { app, sessions };
}

for (const claim of ["sid", "sub"]) {
  const isBySid = claim === "sid";

  Deno.test(`a logout at oidc-provider that names the ${claim} ends our session and its stream`, async () => {
    const late = Promise.withResolvers<Pick<Hono, "fetch">>();
    const server = Deno.serve(
      { port: 0, hostname: "localhost", onListen() {} },
      async (request) => (await late.promise).fetch(request),
    );
    const origin = `http://localhost:${server.addr.port}`;
    const client: OidcClient = {
      client_id: "app",
      client_secret: SECRET,
      redirect_uris: [`${origin}/callback`],
      backchannel_logout_uri: `${origin}/backchannel-logout`,
      backchannel_logout_session_required: isBySid,
    };
    await using provider = await OidcProvider.start(client, { user: USER });
    const { app, sessions } = makeApp(origin, () => provider, client);
    late.resolve(app);
    try {
      const [ada, other] = [new Browser(), new Browser()];
      for (const browser of [ada, other]) {
        assertEquals(await (await browser.visit(`${origin}/login`)).text(), `user:${USER}`);
      }
      const listed = await Array.fromAsync(sessions.list(`user:${USER}`));
      assertEquals(listed.map(({ provider }) => provider?.issuer), [
        provider.issuer,
        provider.issuer,
      ]);
      assertEquals(new Set(listed.map(({ provider }) => provider?.sid)).size, isBySid ? 2 : 1);
      const stream = await ada.visit(`${origin}/stream`);

      const form = await (await ada.visit(`${origin}/logout`)).text();
      const [, action] = /action="([^"]+)"/.exec(form) ?? [];
      const [, xsrf] = /name="xsrf" value="([^"]+)"/.exec(form) ?? [];
      assert(action && xsrf, form);
      const body = new URLSearchParams({ xsrf, logout: "yes" });
      const loggedOut = await ada.visit(action, { method: "POST", body });
      assertEquals(await loggedOut.text(), "logged out");

      assertEquals(provider.logouts, ["success"]);
      assertEquals(await stream.text(), "open revoked");
      assertEquals(await (await ada.visit(`${origin}/me`)).text(), "nobody");
      const left = isBySid ? `user:${USER}` : "nobody";
      assertEquals(await (await other.visit(`${origin}/me`)).text(), left);
      assertEquals(await (await ada.visit(`${origin}/login`)).text(), `user:${USER}`);
    } finally {
      await server.shutdown();
    }
  });
}
