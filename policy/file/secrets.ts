/** What `kafka:` in ledger.yaml refers to: PEM files, and secrets by env: or file: reference. */
import { SealstreamError } from '../../ledger/error.js';
import type { KafkaSecurity, SaslSettings } from '../../stream/stream.js';
import type { Configuration } from './configuration.js';
import { readSmallFile } from './small-file.js';

type Kafka = NonNullable<Configuration['kafka']>;

/** Where a field of `kafka:` stands, `ledger.yaml:8:13: `, and its name, for errors. */
type Locate = (path: readonly string[]) => string;

const byName: Locate = (path) => path.join('.');

async function readText(path: string, field: string): Promise<string> {
  try {
    return new TextDecoder().decode(await readSmallFile(path));
  } catch (error) {
    if (error instanceof SealstreamError) {
      throw new SealstreamError(error.code, `${field}: ${error.message}`, { cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError('configuration', `${field}: ${path} cannot be read: ${reason}`, {
      cause: error,
    });
  }
}

async function resolveSecret(reference: string, field: string): Promise<string> {
  if (reference.startsWith('env:')) {
    const name = reference.slice('env:'.length);
    const value = process.env[name];
    if (value !== undefined && value !== '') return value;
    throw new SealstreamError(
      'configuration',
      `${field}: the environment variable ${name} is not set`,
    );
  }
  const text = await readText(reference.slice('file:'.length), field);
  return text.replace(/\r?\n$/, '');
}

async function readPems(
  files: Exclude<Kafka['tls'], boolean | undefined>,
  locate: Locate,
): Promise<{ ca?: string; cert?: string; key?: string }> {
  const pems: { ca?: string; cert?: string; key?: string } = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const file = files[name];
    if (file !== undefined) pems[name] = await readText(file, locate(['kafka', 'tls', name]));
  }
  return pems;
}

/**
 * The security settings with every reference followed. Errors (`configuration`) name the field, by
 * `locate` where the file is known, and never the secret.
 */
export async function resolveSecurity(
  kafka: Configuration['kafka'],
  locate: Locate = byName,
): Promise<KafkaSecurity | undefined> {
  if (kafka === undefined) return undefined;
  const tls = typeof kafka.tls === 'object' ? await readPems(kafka.tls, locate) : kafka.tls;
  const sasl = kafka.sasl === undefined ? undefined : await resolveSasl(kafka.sasl, locate);
  return { ...(tls === undefined ? {} : { tls }), ...(sasl === undefined ? {} : { sasl }) };
}

async function resolveSasl(
  sasl: NonNullable<Kafka['sasl']>,
  locate: Locate,
): Promise<SaslSettings> {
  const secret = (reference: string, name: string) =>
    resolveSecret(reference, locate(['kafka', 'sasl', name]));
  if (sasl.mechanism !== 'oauthbearer') {
    const username = await secret(sasl.username, 'username');
    const password = await secret(sasl.password, 'password');
    return { mechanism: sasl.mechanism, username, password };
  }
  const { mechanism, token, command = [] } = sasl;
  if (token === undefined) return { mechanism, token: { command } };
  return { mechanism, token: { text: await secret(token, 'token') } };
}
