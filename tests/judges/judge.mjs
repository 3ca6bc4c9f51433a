// Reads a task from standard input and prints the result: whether the sender's library accepts a request, or the headers that
// it signs with. The task: {name, act: "verify" | "sign", secret, body, headers, uri, now}; now is in unix seconds.

const standard = (Webhook, prefix) => ({
  verify: ({ secret, body, headers }) => Boolean(new Webhook(secret).verify(body, headers)),
  sign: ({ secret, body, now }) => ({
    [`${prefix}-id`]: "msg_1",
    [`${prefix}-timestamp`]: String(now),
    [`${prefix}-signature`]: new Webhook(secret).sign("msg_1", new Date(now * 1000), body),
  }),
});

const judges = {
  "standard-webhooks": async () => standard((await import("standardwebhooks")).Webhook, "webhook"),
  svix: async () => standard((await import("svix")).Webhook, "svix"),
  clerk: async () => {
    const { verifyWebhook } = await import("@clerk/backend/webhooks");
    return {
      verify: async ({ secret, body, headers, uri }) =>
        Boolean(await verifyWebhook(new Request(uri, { method: "POST", body, headers }), { signingSecret: secret })),
    };
  },
  polar: async () => {
    const { validateEvent, WebhookVerificationError } = await import("@polar-sh/sdk/webhooks");
    return {
      verify: ({ secret, body, headers }) => {
        try {
          validateEvent(body, headers, secret);
        } catch (error) {
          return !(error instanceof WebhookVerificationError); // authentic, though no whole event of Polar's
        }
        return true;
      },
    };
  },
  stripe: async () => {
    const { default: Stripe } = await import("stripe");
    const { webhooks } = new Stripe("sk_test_1");
    return {
      verify: ({ secret, body, headers }) => Boolean(webhooks.constructEvent(body, headers["stripe-signature"], secret)),
      sign: ({ secret, body, now }) => ({
        "stripe-signature": webhooks.generateTestHeaderString({ payload: body, secret, timestamp: now }),
      }),
    };
  },
  workos: async () => {
    const { WorkOS } = await import("@workos-inc/node");
    const { webhooks } = new WorkOS("sk_1");
    return {
      verify: ({ secret, body, headers }) =>
        webhooks.verifyHeader({ payload: JSON.parse(body), sigHeader: headers["workos-signature"], secret }),
      sign: async ({ secret, body, now }) => ({
        "workos-signature": `t=${now * 1000}, v1=${await webhooks.computeSignature(now * 1000, JSON.parse(body), secret)}`,
      }),
    };
  },
  paddle: async () => {
    const { Paddle } = await import("@paddle/paddle-node-sdk");
    const { webhooks } = new Paddle("key");
    return { verify: ({ secret, body, headers }) => webhooks.isSignatureValid(body, secret, headers["paddle-signature"]) };
  },
  github: async () => {
    const { sign, verify } = await import("@octokit/webhooks-methods");
    return {
      verify: ({ secret, body, headers }) => verify(secret, body, headers["x-hub-signature-256"]),
      sign: async ({ secret, body }) => ({ "x-hub-signature-256": await sign(secret, body) }),
    };
  },
  hubspot: async () => {
    const { Signature } = await import("@hubspot/api-client");
    const parts = ({ secret, body, uri }, timestamp) => ({
      signatureVersion: "v3",
      method: "POST",
      clientSecret: secret,
      requestBody: body,
      url: uri,
      timestamp,
    });
    return {
      verify: (task) =>
        Signature.isValid({
          ...parts(task, Number(task.headers["x-hubspot-request-timestamp"])),
          signature: task.headers["x-hubspot-signature-v3"],
        }),
      sign: (task) => ({
        "x-hubspot-request-timestamp": String(task.now * 1000),
        "x-hubspot-signature-v3": Signature.getSignature("POST", "v3", parts(task, task.now * 1000)),
      }),
    };
  },
  shopify: async () => {
    await import("@shopify/shopify-api/adapters/node");
    const { shopifyApi, ApiVersion } = await import("@shopify/shopify-api");
    return {
      verify: async ({ secret, body, headers }) => {
        const shopify = shopifyApi({
          apiKey: "key",
          apiSecretKey: secret,
          apiVersion: Object.values(ApiVersion).at(-2),
          hostName: "api.example.com",
          isEmbeddedApp: false,
          logger: { log: () => {} },
        });
        const given = {
          "x-shopify-api-version": "2026-10",
          "x-shopify-shop-domain": "shop.myshopify.com",
          "x-shopify-webhook-id": "w1",
          "x-shopify-topic": "customers/create",
          ...headers,
        };
        return (await shopify.webhooks.validate({ rawBody: body, rawRequest: { headers: given, method: "POST", url: "/" }, rawResponse: {} })).valid;
      },
    };
  },
  webflow: async () => {
    const { WebflowClient } = await import("webflow-api");
    const { webhooks } = new WebflowClient({ accessToken: "token" });
    return { verify: ({ secret, body, headers }) => webhooks.verifySignature({ headers, body, secret }) };
  },
  netlify: async () => {
    const { jwtVerify, SignJWT } = await import("jose");
    const { createHash } = await import("node:crypto");
    const key = (secret) => new TextEncoder().encode(secret);
    const hash = (body) => createHash("sha256").update(body).digest("hex");
    return {
      verify: async ({ secret, body, headers }) => {
        const { payload } = await jwtVerify(headers["x-webhook-signature"], key(secret), { issuer: "netlify", algorithms: ["HS256"] });
        return payload.sha256 === hash(body);
      },
      sign: async ({ secret, body }) => ({
        "x-webhook-signature": await new SignJWT({ iss: "netlify", sha256: hash(body) })
          .setProtectedHeader({ alg: "HS256", typ: "JWT" })
          .sign(key(secret)),
      }),
    };
  },
};

let input = "";
for await (const piece of process.stdin) input += piece;
const task = JSON.parse(input);
const judge = await judges[task.name]();
let result;
try {
  result = await judge[task.act](task);
} catch (error) {
  result = { error: `${error.name}: ${error.message}` };
}
process.stdout.write(JSON.stringify(result ?? false));
