// A certified OpenID provider with a few people who sign in by their name alone. Arguments: port, redirect address, address after signing out.
import { Provider } from "oidc-provider";

const [port, redirect, home] = process.argv.slice(2);
const people = {
  grace: { email: "grace@example.com", email_verified: true, groups: ["everybody", "callers"] },
  ada: { email: "ada@example.com", email_verified: true, groups: ["callers"] },
  mallory: { email: "ada@example.com", email_verified: false, groups: [] },
  stranger: { email: "stranger@example.com", email_verified: true, groups: ["callers"] },
};

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id: "clarion", client_secret: "known to both & nobody else", redirect_uris: [redirect], post_logout_redirect_uris: [home], response_types: ["code"], grant_types: ["authorization_code"] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["groups"] },
  cookies: { keys: ["of a test"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => (people[id] ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined),
  // Whoever signs in has agreed.
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});

async function typed(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
}

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  if (ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = '<!doctype html><html lang="en"><title>Provider</title><h1>The provider</h1><form method="post"><input id="login" name="login"><button type="submit">In</button></form>';
    return;
  }
  const login = (await typed(ctx.req)).get("login");
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: login } }, { mergeWithLastSubmission: false });
});

provider.listen(Number(port), () => console.log("ready"));
