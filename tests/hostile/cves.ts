/** A weakness that another library had, and what shows that this one has not. */
export interface Weakness {
  /** Its CVE or advisory. */
  readonly id: string;
  readonly of: string;
  readonly cause: string;
  /** The tests, by title; or why there is nothing to test. */
  readonly shown: readonly string[] | string;
}

const CACHES =
  "shared caches: nobody gets the page or the cookie of another over RFC 9111, with a rolling session (CVE-2023-30861, CVE-2026-27205, CVE-2025-48947, CVE-2025-64762, CVE-2024-26144)";
const FIXATION =
  "fixation: that of a live session of nobody is worth nothing when its victim has logged in (CVE-2024-38513, CVE-2023-29019)";
const SHAPE = "isToken() takes nothing but 43 base64url characters";
const NEVER_ADOPTED = "a token that the client made up is never adopted";

/** All that references/requirements.md lists, in its order. */
export const WEAKNESSES: readonly Weakness[] = [
  {
    id: "CVE-2019-16782",
    of: "Rack",
    cause: "the token was the key in the store",
    shown: [
      "tokens: a key of the store identifies no session, nor does what its record holds (CVE-2019-16782)",
      "the token is nowhere in a dump of the store, its hash is the key",
    ],
  },
  {
    id: "CVE-2025-46336, GHSA-vpfw-47h7-xj4g",
    of: "rack-session, Rack",
    cause: "a slow request brought back a session that was ended",
    shown: [
      "a slow writer does not undo a logout meanwhile",
      "MapStore: update never brings a deleted record back",
    ],
  },
  {
    id: "CVE-2026-39324",
    of: "rack-session",
    cause: "what could not be decrypted was decoded as it was",
    shown: [
      "EncryptedCookieStore rejects what is changed by one character or cut short",
      "fuzzing: sealed values that nobody would make are borne",
    ],
  },
  { id: "CVE-2023-30861", of: "Flask", cause: "a cookie without Vary", shown: [CACHES] },
  {
    id: "CVE-2026-27205",
    of: "Flask",
    cause: "in and len were no use of the session",
    shown: [
      "shared caches: every way to look at a session marks the response, lazy or not (CVE-2026-27205)",
    ],
  },
  {
    id: "CVE-2026-35192",
    of: "Django",
    cause: "a renewal without Vary",
    shown: [CACHES],
  },
  {
    id: "CVE-2025-48947",
    of: "nextjs-auth0",
    cause: "a cookie on a cacheable page",
    shown: [CACHES],
  },
  {
    id: "CVE-2025-64762",
    of: "authkit-nextjs",
    cause: "pages of users without a mark",
    shown: [CACHES],
  },
  {
    id: "CVE-2024-26144",
    of: "Active Storage",
    cause: "a cookie on a public answer",
    shown: [CACHES],
  },
  {
    id: "CVE-2026-6907, CVE-2026-48587, CVE-2026-8404",
    of: "Django",
    cause: "Vary: *, spaces and capitals were misread",
    shown: [
      "shared caches: Vary and Cache-Control are merged whatever their case and spaces, and * stays (CVE-2026-6907, CVE-2026-48587, CVE-2026-8404)",
    ],
  },
  {
    id: "CVE-2024-38513",
    of: "Fiber",
    cause: "the token of the client was taken over",
    shown: [NEVER_ADOPTED, FIXATION],
  },
  {
    id: "CVE-2023-29019, CVE-2022-25896",
    of: "fastify-passport, passport",
    cause: "the token stayed over a login",
    shown: [FIXATION, "regenerate() keeps data and handle, and the old token is invalid"],
  },
  {
    id: "CVE-2023-29020, CVE-2022-24895",
    of: "passport, Symfony",
    cause: "the token against CSRF stayed over a login",
    shown: ["startSession() begins an independent session"],
  },
  {
    id: "CVE-2024-31999",
    of: "fastify secure-session",
    cause: "a cookie was good for ever",
    shown: [
      "a session ends maxAge after its creation, written or not",
      "without revocations a copy of a cookie outlives logout, with them it doesn't",
    ],
  },
  {
    id: "CVE-2024-35220",
    of: "fastify session",
    cause: "two truths about the end of a session",
    shown: ["renew() moves cookie and record together"],
  },
  {
    id: "CVE-2015-5143, CVE-2015-5963, CVE-2015-5964",
    of: "Django",
    cause: "every visitor made a record",
    shown: [
      "floods: 100,000 visitors leave no record, no cookie and no memory, and cost no store call (CVE-2015-5143, CVE-2015-5963, CVE-2015-5964)",
      "ending nothing does nothing",
    ],
  },
  {
    id: "CVE-2016-4423",
    of: "Symfony",
    cause: "a very long name was stored",
    shown: [
      "data: 200 levels and 10 MB are kept where there is room, and refused whole where there is none (CVE-2016-4423)",
    ],
  },
  {
    id: "CVE-2021-34428",
    of: "Jetty",
    cause: "a listener that threw kept the session alive",
    shown: ["listeners: one that throws changes nothing (CVE-2021-34428)"],
  },
  {
    id: "CVE-2023-20866",
    of: "Spring Session",
    cause: "the token was printed",
    shown: [
      "Session shows no data, token or secret when it is printed",
      "faults: at every call of every request nothing is half done, pretended or told to anybody, with MapStore",
    ],
  },
  {
    id: "CVE-2023-20862",
    of: "Spring Security",
    cause: "an empty session could not be stored",
    shown: ["data: emptying a session is a change like any other (CVE-2023-20862)"],
  },
  {
    id: "CVE-2025-47278",
    of: "Flask",
    cause: "the oldest key signed",
    shown: [
      "EncryptedCookieStore reads with every secret and writes with the first (CVE-2025-47278)",
    ],
  },
  {
    id: "CVE-2023-27524",
    of: "Superset",
    cause: "a secret that everybody knew",
    shown: [
      "session() refuses weak secrets without telling them",
      "session() without Deno KV seals the cookie, with one warning when there is no secret",
    ],
  },
  {
    id: "CVE-2026-40372",
    of: "ASP.NET Data Protection",
    cause: "the result of the check was not used",
    shown: [
      "SealedCookieStore rejects what is changed by one character or cut short",
      "fuzzing: sealed values show that the signature is not looked at",
    ],
  },
  {
    id: "GHSA-q5pr-72pq-83v3",
    of: "h3",
    cause: "the client said how many chunks there are",
    shown: [
      "chunks that don't belong together are rejected",
      "cookies: a header is gone through once, whatever is in it (GHSA-q5pr-72pq-83v3)",
    ],
  },
  {
    id: "GHSA-xg6x-h9c9-2m83",
    of: "better-auth",
    cause: "a cache of sessions was filled before the second factor",
    shown: "there is no cache of sessions beside their record: what a cookie holds is the record",
  },
  {
    id: "better-auth, sign-out of several sessions",
    of: "better-auth",
    cause: "sessions were ended for tokens that nobody had verified",
    shown: ["endSession(c, token) with one that identifies no session ends nothing"],
  },
  {
    id: "CVE-2026-39410",
    of: "Hono",
    cause: "other spaces were trimmed off names of cookies",
    shown: ["cookies: only a space and a tab are spaces (CVE-2026-39410, Cookie Chaos)"],
  },
  {
    id: "CVE-2026-47675, GHSA-5pq2-9x2x-5p6w",
    of: "Hono",
    cause: "attributes of cookies were not checked",
    shown: [
      "cookies: nothing can be injected over a name or an attribute (CVE-2026-47675, GHSA-5pq2-9x2x-5p6w)",
    ],
  },
  {
    id: "CVE-2023-23934",
    of: "Werkzeug",
    cause: "a nameless cookie passed for another",
    shown: [
      "cookies: names are compared byte by byte, values are taken as they are (CVE-2023-23934)",
    ],
  },
  {
    id: "Cookie Chaos",
    of: "Django, ASP.NET, Java",
    cause: "Unicode spaces and $Version got around prefixes",
    shown: [
      "cookies: only a space and a tab are spaces (CVE-2026-39410, Cookie Chaos)",
      "fuzzing: cookie headers that nobody would make are borne",
    ],
  },
  {
    id: "CVE-2025-61686",
    of: "React Router, Remix",
    cause: "the value of a cookie became a path",
    shown: [SHAPE, NEVER_ADOPTED],
  },
  {
    id: "CVE-2024-3400",
    of: "PAN-OS",
    cause: "a token with ../ became a path",
    shown: [
      SHAPE,
      "fixation: one with a path is worth nothing when its victim has logged in (CVE-2024-38513, CVE-2023-29019)",
    ],
  },
  {
    id: "CVE-2025-7339",
    of: "on-headers",
    cause: "other headers were changed on the way",
    shown: [
      "cookies: one session cookie at most, and all others, after every order of write, renew, regenerate, destroy and startSession",
    ],
  },
  {
    id: "CVE-2017-1000053, CVE-2015-6835",
    of: "Plug, PHP",
    cause: "data could bring objects to life",
    shown: [
      "data: whatever JSON says is plain data, in MapStore (CVE-2015-6835, CVE-2017-1000053)",
    ],
  },
  {
    id: "GitHub, March 2021",
    of: "GitHub",
    cause: "two requests shared an object",
    shown: [
      "interleaved: 40 users at the same time get nothing of each other, in MapStore (GitHub, March 2021)",
    ],
  },
  {
    id: "solidjs/solid #3155",
    of: "SolidJS",
    cause: "cookies were added to a response that the application keeps",
    shown: [
      "kept responses: who asks after a user gets neither cookie nor session",
      "kept responses: headers of the application are never changed",
    ],
  },
  {
    id: "auth0/nextjs-auth0 #544, #2335",
    of: "nextjs-auth0",
    cause: "a slow request sent the cookie again after the logout",
    shown: ["a slow toucher does not undo a logout meanwhile"],
  },
  {
    id: "spring-session 2230, 2614, 3287, 1987, 1791",
    of: "Spring Session",
    cause: "entries of lists outlived their sessions",
    shown: [
      "a session has one entry whatever becomes of it, and none when it is nobody's",
      "what has expired is no longer listed, what was renewed is",
    ],
  },
  {
    id: "questdb #7235",
    of: "QuestDB",
    cause: "a rotation was read half done",
    shown: ["any number of requests with the old token get the same successor"],
  },
  {
    id: "sheaf 239, nocturne 391, spiderly 384",
    of: "refresh tokens",
    cause: "the loser of a rotation was logged out",
    shown: [
      "any number of requests with the old token get the same successor",
      "an answer that got lost is made up for until its token has come back, and for the grace",
    ],
  },
  {
    id: "ayunis-core 1047",
    of: "refresh tokens",
    cause: "the grace opened a session that was ended",
    shown: ["a logout by a rotated token ends the session, within the grace and after it"],
  },
  {
    id: "supertokens-node #17",
    of: "SuperTokens",
    cause: "an unknown token cleared the cookie of a login at the same time",
    shown: [NEVER_ADOPTED],
  },
  {
    id: "alkemio 6333, connect-redis #373, connect 653",
    of: "express",
    cause: "everybody waited for a store that was down",
    shown: ["a store that hangs is answered in time"],
  },
  {
    id: "express-openid-connect #835, 838",
    of: "express-openid-connect",
    cause: "a cookie was sent for a session that was not saved",
    shown: [
      "faults: at every call of every request nothing is half done, pretended or told to anybody, with MapStore",
      "session() commits a stream before it begins; what comes later is saved by save()",
    ],
  },
  {
    id: "govuk-prototype-kit 75f9623",
    of: "govuk-prototype-kit",
    cause: "the clean-up deleted live sessions",
    shown: ["MapStore reclaims expired records without being asked for them"],
  },
];
