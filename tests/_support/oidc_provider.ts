import { exportJWK, generateKeyPair } from "jose";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import Provider from "oidc-provider";

/** A client of the provider, by the names of OpenID Connect. */
export interface OidcClient {
  readonly client_id: string;
  readonly client_secret: string;
  readonly redirect_uris: readonly string[];
  readonly backchannel_logout_uri: string;
  /** Whether ID tokens and logout tokens have a `sid`. */
  readonly backchannel_logout_session_required: boolean;
}

/** `oidc-provider` in this process. It logs every browser in as one user, without a form. */
export class OidcProvider {
  readonly issuer: string;
  /** How its calls of back-channel logout have ended. */
  readonly logouts: string[] = [];
  readonly #server: Server;

  private constructor(server: Server, issuer: string) {
    this.#server = server;
    this.issuer = issuer;
  }

  static async start(client: OidcClient, { user }: { user: string }): Promise<OidcProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    const { port } = server.address() as { port: number };
    const started = new OidcProvider(server, `http://localhost:${port}`);
    const { privateKey } = await generateKeyPair("RS256", { extractable: true });
    const jwk = { ...await exportJWK(privateKey), alg: "RS256", use: "sig" };
    const provider = silently(() => new Provider(started.issuer, configurationOf(client, jwk)));
    provider.on("backchannel.success", () => started.logouts.push("success"));
    provider.on("backchannel.error", (_: unknown, error: Error) => {
      started.logouts.push(error.message);
    });
    const answer = provider.callback();
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      if (!request.url?.startsWith("/interaction/")) return answer(request, response);
      provider.interactionFinished(request, response, { login: { accountId: user } });
    });
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function configurationOf(client: OidcClient, jwk: object) {
  return {
    clients: [client],
    cookies: { keys: ["the key of the provider's own cookies"] },
    jwks: { keys: [jwk] },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        logoutSource(ctx: { body: string }, form: string) {
          ctx.body = form;
        },
        postLogoutSuccessSource(ctx: { body: string }) {
          ctx.body = "logged out";
        },
      },
    },
    // The provider itself leaves the body of the answer unread.
    async fetch(url: string, init: RequestInit) {
      const { status, headers, body } = await fetch(url, init);
      await body?.cancel();
      return new Response(null, { status, headers });
    },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 60,
      Grant: 60,
      IdToken: 60,
      Interaction: 60,
      Session: 60,
    },
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // The user is not asked for consent.
    async loadExistingGrant({ oidc }: GrantContext) {
      const { clientId } = oidc.client;
      const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid");
      await grant.save();
      return grant;
    },
  };
}

interface GrantContext {
  readonly oidc: {
    readonly client: { readonly clientId: string };
    readonly session: { readonly accountId: string };
    readonly provider: {
      readonly Grant: new (options: object) => {
        addOIDCScope(scope: string): void;
        save(): Promise<string>;
      };
    };
  };
}

/** Builds a provider without its warnings: that it runs on Deno, and forgets everything. */
function silently<Built>(build: () => Built): Built {
  const { warn, info } = console;
  console.warn = console.info = () => {};
  try {
    return build();
  } finally {
    Object.assign(console, { warn, info });
  }
}
