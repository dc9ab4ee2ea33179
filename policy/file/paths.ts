/** Paths in ledger.yaml are relative to the file: here they become absolute. */
import { isAbsolute, resolve } from 'node:path';
import type { Configuration } from './configuration.js';

type Kafka = NonNullable<Configuration['kafka']>;
type Absolute = (path: string) => string;

/** `file:` URLs and paths made absolute, relative to `base`. */
export function resolveStreamUrl(url: string, base: string): string {
  if (!url.startsWith('file:')) return url;
  const path = url.slice('file:'.length).replace(/^\/\/(?=\/)/, '');
  return `file:${isAbsolute(path) ? path : resolve(base, path)}`;
}

export function resolvePaths(configuration: Configuration, base: string): Configuration {
  const absolute = (path: string) => resolve(base, path);
  const { seal, verify, kafka } = configuration;
  const result: Configuration = {
    ...configuration,
    stream: resolveStreamUrl(configuration.stream, base),
  };
  if (seal !== undefined) {
    result.seal = { ...seal, key: absolute(seal.key), memory: absolute(seal.memory) };
  }
  if (verify?.publicKey !== undefined) {
    result.verify = { ...verify, publicKey: absolute(verify.publicKey) };
  }
  if (kafka !== undefined) result.kafka = resolveKafka(kafka, absolute);
  return result;
}

function resolveKafka(kafka: Kafka, absolute: Absolute): Kafka {
  const result: Kafka = { ...kafka };
  if (typeof kafka.tls === 'object') {
    const { ca, cert, key } = kafka.tls;
    const tls: typeof kafka.tls = {};
    if (ca !== undefined) tls.ca = absolute(ca);
    if (cert !== undefined) tls.cert = absolute(cert);
    if (key !== undefined) tls.key = absolute(key);
    result.tls = tls;
  }
  if (kafka.sasl !== undefined) result.sasl = resolveSasl(kafka.sasl, absolute);
  return result;
}

function resolveSasl(sasl: NonNullable<Kafka['sasl']>, absolute: Absolute): Kafka['sasl'] {
  const secret = (reference: string) =>
    reference.replace(/^file:(.+)$/s, (_, path: string) => `file:${absolute(path)}`);
  if (sasl.mechanism !== 'oauthbearer') {
    return { ...sasl, username: secret(sasl.username), password: secret(sasl.password) };
  }
  if (sasl.token !== undefined) return { ...sasl, token: secret(sasl.token) };
  const [program = '', ...rest] = sasl.command ?? [];
  // A bare name is looked up in PATH, as a shell would.
  return { ...sasl, command: [program.includes('/') ? absolute(program) : program, ...rest] };
}
