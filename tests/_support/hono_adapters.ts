// Hono's own adapters, each as a server that is asked with a request of the web.
import type { Hono } from "hono";
import { handle as handleLambda, streamHandle } from "hono/aws-lambda";
import { handle as handlePages, handleMiddleware } from "hono/cloudflare-pages";
import { handle as handleEdge } from "hono/lambda-edge";
import { handle as handleNetlify } from "hono/netlify";
import { poweredBy } from "hono/powered-by";
import { handle as handleServiceWorker } from "hono/service-worker";
import { handle as handleVercel } from "hono/vercel";
import { PassThrough } from "node:stream";

type App = Pick<Hono, "fetch">;
type Serve = (request: Request) => Promise<Response>;

type LambdaHandler = ReturnType<typeof handleLambda>;
type LambdaEvent = Parameters<LambdaHandler>[0];
type LambdaResult = Awaited<ReturnType<LambdaHandler>>;

/** An application as AWS Lambda runs it, with events of one kind. */
function lambda(toEvent: (request: Request, body: string) => object): (app: App) => Serve {
  return (app) => {
    const handler = handleLambda(app as Hono);
    return async (request) => {
      const event = toEvent(request, await request.text());
      return toResponse(await handler(event as LambdaEvent));
    };
  };
}

function toResponse(result: LambdaResult): Response {
  const headers = new Headers();
  const { multiValueHeaders, cookies } = result as LambdaResult & { cookies?: string[] };
  for (const [name, values] of Object.entries({ ...result.headers, ...multiValueHeaders })) {
    for (const value of [values].flat()) headers.append(name, `${value}`);
  }
  for (const cookie of cookies ?? []) headers.append("set-cookie", cookie);
  const { body, isBase64Encoded, statusCode } = result;
  const bytes = isBase64Encoded ? Uint8Array.from(atob(body), (c) => c.charCodeAt(0)) : body;
  return new Response(bytes || null, { status: statusCode, headers });
}

const plain = ({ headers }: Request) => Object.fromEntries(headers);
const multiple = ({ headers }: Request) =>
  Object.fromEntries(Array.from(headers, ([name, value]) => [name, value.split(", ")]));
const hostOf = ({ url }: Request) => new URL(url).host;
const pathOf = ({ url }: Request) => new URL(url).pathname;

function v1(request: Request, body: string) {
  return {
    version: "1.0",
    httpMethod: request.method,
    path: pathOf(request),
    headers: plain(request),
    body,
    isBase64Encoded: false,
    requestContext: { domainName: hostOf(request) },
  };
}

function v2(request: Request, body: string) {
  const { cookie, ...headers } = plain(request);
  return {
    version: "2.0",
    rawPath: pathOf(request),
    rawQueryString: "",
    cookies: cookie?.split("; "),
    headers,
    body,
    isBase64Encoded: false,
    requestContext: { domainName: hostOf(request), http: { method: request.method } },
  };
}

function alb(request: Request, body: string) {
  return {
    httpMethod: request.method,
    path: pathOf(request),
    headers: { host: hostOf(request), ...plain(request) },
    body,
    isBase64Encoded: false,
    requestContext: { elb: { targetGroupArn: "arn" } },
  };
}

function lattice(request: Request, body: string) {
  return {
    version: "2.0",
    method: request.method,
    path: pathOf(request),
    headers: { host: [hostOf(request)], ...multiple(request) },
    body,
    isBase64Encoded: false,
    requestContext: { serviceArn: "arn" },
  };
}

/** Lambda's streams, as its runtime offers them. */
function lambdaStream(app: App): Serve {
  interface Metadata {
    statusCode: number;
    headers: Record<string, string>;
    cookies: string[];
  }
  let metadata: Metadata | undefined;
  const runtime = {
    streamifyResponse: (handler: unknown) => handler,
    HttpResponseStream: {
      from(stream: unknown, given: Metadata) {
        metadata = given;
        return stream;
      },
    },
  };
  Object.assign(globalThis, { awslambda: runtime });
  type Handler = (event: object, out: PassThrough, context?: object) => Promise<void>;
  const handler: Handler = Object(streamHandle(app as Hono));
  return async (request) => {
    const out = new PassThrough();
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    out.on("data", (chunk) => chunks.push(chunk));
    await handler(v2(request, await request.text()), out);
    const { statusCode: status, cookies, headers } = metadata!;
    return toResponse({
      statusCode: status,
      headers,
      cookies,
      body: await new Blob(chunks).text(),
      isBase64Encoded: false,
    } as LambdaResult);
  };
}

type EdgeEvent = Parameters<ReturnType<typeof handleEdge>>[0];
type EdgeHeaders = Record<string, { key: string; value: string }[]>;

/** CloudFront, which runs Lambda@Edge. */
function lambdaEdge(app: App): Serve {
  const handler = handleEdge(app as Hono);
  return async (request) => {
    const headers: EdgeHeaders = { host: [{ key: "Host", value: hostOf(request) }] };
    for (const [key, value] of request.headers) (headers[key] ??= []).push({ key, value });
    const data = await request.text();
    const event = {
      Records: [{
        cf: {
          config: { distributionDomainName: hostOf(request) },
          request: {
            clientIp: "192.0.2.1",
            headers,
            method: request.method,
            querystring: "",
            uri: pathOf(request),
            body: { inputTruncated: false, action: "read-only", encoding: "text", data },
          },
        },
      }],
    };
    const result = await handler(event as EdgeEvent) as {
      status: string;
      headers: EdgeHeaders;
      body: string;
    };
    const fields = Object.values(result.headers).flat()
      .map(({ key, value }): [string, string] => [key, value]);
    return new Response(result.body, { status: Number(result.status), headers: fields });
  };
}

type PagesEvent = Parameters<ReturnType<typeof handlePages>>[0];

function pagesEvent(request: Request, next: () => Promise<Response>): PagesEvent {
  const event = {
    request,
    next,
    env: { ASSETS: { fetch: globalThis.fetch } },
    data: {},
    functionPath: "/",
    params: {},
    waitUntil() {},
    passThroughOnException() {},
  };
  return event as Partial<PagesEvent> as PagesEvent;
}

/** Cloudflare Pages, alone or within a middleware of its own. */
function pages(app: App): Serve {
  const handler = handlePages(app as Hono);
  return async (request) =>
    await handler(pagesEvent(request, () => Promise.resolve(new Response(null, { status: 404 }))));
}

function pagesMiddleware(app: App): Serve {
  const middleware = handleMiddleware(poweredBy());
  const inner = pages(app);
  return async (request) => await middleware(pagesEvent(request, () => inner(request)));
}

function netlify(app: App): Serve {
  const handler = handleNetlify(app as Hono);
  const context: Parameters<typeof handler>[1] = {};
  return async (request) => await handler(request, context);
}

function vercel(app: App): Serve {
  const handler = handleVercel(app as Hono);
  return async (request) => await handler(request);
}

function serviceWorker(app: App): Serve {
  const handler = handleServiceWorker(app as Hono);
  type FetchEvent = Parameters<typeof handler>[0];
  return (request) =>
    new Promise((resolve, reject) => {
      const event = {
        request,
        respondWith: (answer: Response | Promise<Response>) =>
          void Promise.resolve(answer).then(resolve, reject),
      };
      handler(event as Partial<FetchEvent> as FetchEvent);
    });
}

/** Each adapter by its name. */
export const ADAPTERS: Record<string, (app: App) => Serve> = {
  "AWS Lambda, API Gateway v1": lambda(v1),
  "AWS Lambda, API Gateway v1 with multi-value headers": lambda((request, body) => ({
    ...v1(request, body),
    multiValueHeaders: multiple(request),
  })),
  "AWS Lambda, API Gateway v2": lambda(v2),
  "AWS Lambda, load balancer": lambda(alb),
  "AWS Lambda, load balancer with multi-value headers": lambda((request, body) => {
    const { headers: _, ...event } = alb(request, body);
    return { ...event, multiValueHeaders: { host: [hostOf(request)], ...multiple(request) } };
  }),
  "AWS Lambda, VPC Lattice": lambda(lattice),
  "AWS Lambda, streaming": lambdaStream,
  "Lambda@Edge": lambdaEdge,
  "Cloudflare Pages": pages,
  "Cloudflare Pages, within a middleware": pagesMiddleware,
  "Netlify": netlify,
  "Vercel": vercel,
  "service worker": serviceWorker,
};
