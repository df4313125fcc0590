// A certified OpenID provider for one client: node provider.mjs PORT CLIENT SECRET RETURN_URL
import Provider from "oidc-provider";

const [port, client, secret, returnUrl] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: client, client_secret: secret, redirect_uris: [returnUrl] }],
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
});
provider.listen(Number(port), "127.0.0.1");
