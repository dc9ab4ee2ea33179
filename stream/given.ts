/** What callers must give where the port's types say what it is. */
import {
  checkOptions,
  having,
  type Kind,
  type Kinds,
  listOf,
  milliseconds,
  optional,
  options,
  text,
  typeName,
  usage,
} from '../ledger/given.js';
import type {
  BearerToken,
  KafkaSecurity,
  Logger,
  SaslSettings,
  Stream,
  StreamOptions,
} from './stream.js';

export const streamKind = having<Stream>(
  'a stream (openStream)',
  'describe',
  'bounds',
  'reader',
  'appender',
  'own',
);

export const loggerKind = having<Logger>('a logger', 'debug', 'info', 'warn', 'error');

type TlsFiles = Exclude<KafkaSecurity['tls'], boolean | undefined>;

const TLS: Kinds<TlsFiles> = { ca: optional(text), cert: optional(text), key: optional(text) };
const MOST_ARGUMENTS = 1000;

const tls: Kind<boolean | TlsFiles> = (value, where) =>
  typeof value === 'boolean' ? value : checkOptions(value, TLS, where);

const token: Kind<BearerToken> = (value, where) => {
  const found = checkOptions<{ text?: string; command?: readonly string[] }>(
    value,
    { text: optional(text), command: optional(listOf(text, MOST_ARGUMENTS)) },
    where,
  );
  if (found.text !== undefined && found.command === undefined) return { text: found.text };
  if (found.command !== undefined && found.text === undefined) return { command: found.command };
  throw usage(where, 'must have text or command, one of them');
};

const sasl: Kind<SaslSettings> = (value, where) => {
  const found = checkOptions<{
    mechanism: string;
    username?: string;
    password?: string;
    token?: BearerToken;
  }>(
    value,
    {
      mechanism: text,
      username: optional(text),
      password: optional(text),
      token: optional(token),
    },
    where,
  );
  const { mechanism, ...rest } = found;
  if (mechanism === 'oauthbearer') {
    const needed = { token };
    return { mechanism, ...checkOptions<{ token: BearerToken }>(rest, needed, where) };
  }
  if (mechanism === 'plain' || mechanism === 'scram-sha-256' || mechanism === 'scram-sha-512') {
    const needed = { username: text, password: text };
    return {
      mechanism,
      ...checkOptions<{ username: string; password: string }>(rest, needed, where),
    };
  }
  throw usage(`${where}: mechanism`, 'must be plain, scram-sha-256, scram-sha-512 or oauthbearer');
};

const STREAM_OPTIONS: Kinds<StreamOptions> = {
  timeoutMs: optional(milliseconds),
  kafka: optional(options<KafkaSecurity>({ tls: optional(tls), sasl: optional(sasl) })),
  logger: optional(loggerKind),
};

/** More than any list of brokers or path takes. */
const LONGEST_URL = 32 * 1024;

/** Throws `usage`. */
export function checkPlace(
  url: unknown,
  given: unknown,
): { readonly url: string; readonly options: StreamOptions } {
  if (typeof url !== 'string') throw usage('the stream URL', `must be text, not ${typeName(url)}`);
  if (url.length > LONGEST_URL) throw usage('the stream URL', `is longer than ${LONGEST_URL}`);
  return { url, options: checkOptions(given, STREAM_OPTIONS, 'stream options') };
}
