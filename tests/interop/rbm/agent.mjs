// A chatbot's program over Google's client libraries for Node, told what to call a line at a time: see ../rbm.py and agent.py. The
// host names are the libraries' own; the environment leads them to the platform.
import fs from 'node:fs';
import readline from 'node:readline';
import { JWT } from 'google-auth-library';
import { Discovery } from 'googleapis-common';

const HOST = 'rcsbusinessmessaging.googleapis.com';
const SCOPE = 'https://www.googleapis.com/auth/rcsbusinessmessaging';

const [document, keyFile] = process.argv.slice(2);
const key = JSON.parse(fs.readFileSync(keyFile, 'utf8'));
const make = await new Discovery({}).discoverAPI(document);
const account = { email: key.client_email, key: key.private_key, keyId: key.private_key_id };
// Without scopes the library signs tokens for the service itself.
const own = new JWT(account);
own.defaultServicePath = HOST;
const services = {
  exchanged: make({ auth: new JWT({ ...account, scopes: [SCOPE] }) }),
  'self-signed': make({ auth: own }),
};

async function call({ call, parameters = {}, body, media, auth = 'exchanged' }) {
  const names = call.split('.');
  const method = names.reduce((resource, name) => resource[name], services[auth]);
  const wanted = { ...parameters };
  if (body) wanted.requestBody = body;
  if (media) wanted.media = { mimeType: media.type, body: fs.createReadStream(media.path) };
  return (await method(wanted)).data;
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line.trim() === 'quit') break;
  let told;
  try {
    told = { result: await call(JSON.parse(line)) };
  } catch (error) {
    const said = error.response?.data?.error ?? {};
    told = { error: { code: error.status ?? 0, message: said.message ?? String(error), details: said.details } };
  }
  console.log(JSON.stringify(told));
}
