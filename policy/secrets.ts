/** What `kafka:` in ledger.yaml refers to: PEM files, and secrets by env: or file: reference. */
import { readFile } from 'node:fs/promises';
import { SealstreamError } from '../ledger/error.js';
import type { KafkaSecurity, SaslSettings } from '../stream/stream.js';
import type { Configuration } from './configuration.js';

async function readText(path: string, field: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
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

async function readPems(files: {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}): Promise<{ ca?: string; cert?: string; key?: string }> {
  const pems: { ca?: string; cert?: string; key?: string } = {};
  if (files.ca !== undefined) pems.ca = await readText(files.ca, 'kafka.tls.ca');
  if (files.cert !== undefined) pems.cert = await readText(files.cert, 'kafka.tls.cert');
  if (files.key !== undefined) pems.key = await readText(files.key, 'kafka.tls.key');
  return pems;
}

/** The security settings with every reference followed. Errors name the field, never the secret. */
export async function resolveSecurity(
  kafka: Configuration['kafka'],
): Promise<KafkaSecurity | undefined> {
  if (kafka === undefined) return undefined;
  const tls = typeof kafka.tls === 'object' ? await readPems(kafka.tls) : kafka.tls;
  const sasl = kafka.sasl === undefined ? undefined : await resolveSasl(kafka.sasl);
  return { ...(tls === undefined ? {} : { tls }), ...(sasl === undefined ? {} : { sasl }) };
}

type Sasl = NonNullable<NonNullable<Configuration['kafka']>['sasl']>;

async function resolveSasl(sasl: Sasl): Promise<SaslSettings> {
  if (sasl.mechanism !== 'oauthbearer') {
    return {
      mechanism: sasl.mechanism,
      username: await resolveSecret(sasl.username, 'kafka.sasl.username'),
      password: await resolveSecret(sasl.password, 'kafka.sasl.password'),
    };
  }
  const { mechanism, token, command = [] } = sasl;
  if (token === undefined) return { mechanism, token: { command } };
  return { mechanism, token: { text: await resolveSecret(token, 'kafka.sasl.token') } };
}
