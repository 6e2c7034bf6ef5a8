// A certified OpenID provider, for tests: node oidc.mjs PACKAGE_JSON. It says on one line of JSON
// where it is and with which key its client `robot` signs.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.argv.at(-1));
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const server = createServer().listen(0, '127.0.0.1');
await new Promise((listens) => server.once('listening', listens));
const issuer = `http://127.0.0.1:${server.address().port}`;

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'robot', use: 'sig', alg: 'PS256' };

const device = 'urn:ietf:params:oauth:grant-type:device_code';
const people = {
  redirect_uris: ['http://127.0.0.1:9/callback'], // nobody listens there: tests read the address
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
};
const provider = new Provider(issuer, {
  clients: [
    { ...people, client_id: 'web', client_secret: 'secret of web', token_endpoint_auth_method: 'client_secret_post' },
    { ...people, client_id: 'basic', client_secret: 'secret: of/basic', grant_types: [...people.grant_types, 'client_credentials'] },
    { ...people, client_id: 'tv', token_endpoint_auth_method: 'none', grant_types: [...people.grant_types, device] },
    {
      client_id: 'robot', jwks: { keys: [jwk] }, token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'PS256', redirect_uris: [], response_types: [], grant_types: ['client_credentials'],
    },
  ],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  scopes: ['openid', 'offline_access', 'files.read', 'files.write'],
  cookies: { keys: ['of a test'] },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: true }, clientCredentials: { enabled: true }, deviceFlow: { enabled: true },
    revocation: { enabled: true }, introspection: { enabled: true },
  },
});
server.on('request', provider.callback());
console.log(JSON.stringify({ address: issuer.slice('http://'.length), key }));
