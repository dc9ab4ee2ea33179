/** What most commands begin with: the configuration, the stream, and their orderly end. */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { SealstreamError } from '../ledger/error.js';
import {
  type PublicKey,
  publicKeyFromPem,
  type SigningKey,
  signingKeyFromPem,
} from '../ledger/keys.js';
import type { Configuration, TopicDeclaration } from '../policy/file/configuration.js';
import { type Declared, fieldName, loadDeclared, placeName } from '../policy/file/parse.js';
import { resolveStreamUrl } from '../policy/file/paths.js';
import { resolveSecurity } from '../policy/file/secrets.js';
import { readSmallFile } from '../policy/file/small-file.js';
import { withoutSecrets } from '../stream/open.js';
import type { Logger, Stream } from '../stream/stream.js';
import { anyKey, judgeToRead, type KeyJudge } from './key-mode.js';
import { type LogLevel, logger } from './logger.js';
import { openPlace, type StreamPlace } from './place.js';

export interface CommonOptions {
  readonly config: string;
  readonly json?: boolean;
}

export interface Session {
  readonly configuration: Configuration;
  readonly stream: Stream;
  readonly logger: Logger;
}

/** Loads the configuration, opens its stream, runs `work`, and closes the stream however it ends. */
export async function withSession<T>(
  options: CommonOptions & { readonly logLevel?: LogLevel; readonly timeoutMs?: number },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const declared = await loadDeclared(options.config);
  const { configuration } = declared;
  const log = logger(options.logLevel ?? 'warn');
  const stream = await openPlace(await configuredPlace(declared, options.timeoutMs), log);
  try {
    return await work({ configuration, stream, logger: log });
  } finally {
    await stream.close();
  }
}

/** `timeoutMs` replaces `kafka.timeout`. */
export async function configuredPlace(
  declared: Pick<Declared, 'configuration' | 'file' | 'places'>,
  timeoutMs: number | undefined,
): Promise<StreamPlace> {
  const { configuration } = declared;
  const kafka = await resolveSecurity(configuration.kafka, (path) => {
    return `${placeName(declared, path)}: ${fieldName(path)}`;
  });
  const timeout = timeoutMs ?? configuration.kafka?.timeout;
  return {
    url: configuration.stream,
    options: {
      ...(kafka === undefined ? {} : { kafka }),
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    },
  };
}

/** Throws `usage` on what is no stream URL. */
export function checkStreamUrl(url: string): void {
  if (/^(file:.|kafka:\/\/.)/.test(url)) return;
  throw new SealstreamError(
    'usage',
    `--stream ${withoutSecrets(url)}: expected file:PATH or kafka://HOST:PORT[,HOST:PORT…]`,
  );
}

/** Whether nothing is at `path`; false where that cannot be told: opening it then says why. */
export function isAbsent(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** A stream named on the command line, without a configuration. */
export function placeByUrl(url: string, timeoutMs?: number): StreamPlace {
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  return { url: resolveStreamUrl(url, process.cwd()), options };
}

/** The declared topics that `--topic` selects: all of them without it. */
export function selectTopics(
  configuration: Configuration,
  topic: string | undefined,
): readonly TopicDeclaration[] {
  if (topic === undefined) return configuration.topics;
  const declared = configuration.topics.filter(({ name }) => name === topic);
  if (declared.length > 0) return declared;
  const names = configuration.topics.map(({ name }) => name).join(', ');
  throw new SealstreamError(
    'usage',
    `--topic ${topic}: not in ledger.yaml, which declares ${names}`,
  );
}

/** What of a topic those need who seal, verify or read it. */
export type SealedTopic = Pick<TopicDeclaration, 'name' | 'partitions'>;

/** As selectTopics; `--topic` may select the configuration topic, whose log is sealed like any. */
export function selectLogs(
  configuration: Configuration,
  topic: string | undefined,
): readonly SealedTopic[] {
  const own = configurationTopic(configuration);
  if (own !== null && own.name === topic) return [own];
  return selectTopics(configuration, topic);
}

/** As selectLogs; without `--topic` the configuration topic is the first of all. */
export function selectAllLogs(
  configuration: Configuration,
  topic: string | undefined,
): readonly SealedTopic[] {
  const own = configurationTopic(configuration);
  const selected = selectLogs(configuration, topic);
  return topic === undefined && own !== null ? [own, ...selected] : selected;
}

/** null: none is declared. */
export function configurationTopic({ configuration }: Configuration): SealedTopic | null {
  return configuration === undefined ? null : { name: configuration.topic, partitions: 1 };
}

/** The one topic a command works on; with several declared, `--topic` must choose. */
export function selectTopic(
  configuration: Configuration,
  topic: string | undefined,
): TopicDeclaration {
  const [first, second] = selectTopics(configuration, topic);
  if (first === undefined || second !== undefined) {
    const names = configuration.topics.map(({ name }) => name).join(', ');
    throw new SealstreamError(
      'usage',
      `several topics are declared (${names}): name one by --topic`,
    );
  }
  return first;
}

export async function readInput(path: string, field: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError('usage', `${field} ${path}: cannot be read: ${reason}`, {
      cause: error,
    });
  }
}

/** `seal:` of the configuration; without it this machine does not seal. */
export function sealSettings(
  configuration: Configuration,
  file: string,
): NonNullable<Configuration['seal']> {
  if (configuration.seal !== undefined) return configuration.seal;
  throw new SealstreamError(
    'configuration',
    `${file}: seal: is missing; it names the key and the memory that sealing needs`,
  );
}

async function readKeyFile(path: string, field: string, judge: KeyJudge): Promise<string> {
  try {
    const bytes = await readSmallFile(path, (stats) => judge(path, stats));
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (error instanceof SealstreamError) {
      throw new SealstreamError('key-unusable', `${field}: ${error.message}`, { cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError('key-unusable', `${field}: ${path} cannot be read: ${reason}`, {
      cause: error,
    });
  }
}

export async function loadSigningKey(path: string, judge: KeyJudge): Promise<SigningKey> {
  return named(path, 'seal.key', judge, signingKeyFromPem);
}

export async function loadPublicKey(path: string, field: string): Promise<PublicKey> {
  return named(path, field, anyKey, publicKeyFromPem);
}

async function named<T>(
  path: string,
  field: string,
  judge: KeyJudge,
  parse: (pem: string) => T,
): Promise<T> {
  const pem = await readKeyFile(path, field, judge);
  try {
    return parse(pem);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError('key-unusable', `${field}: ${path}: ${reason}`, { cause: error });
  }
}

/** The key that opens this ledger's checkpoints: `verify.publicKey`, else that of `seal.key`. */
export async function verifyingKey(
  configuration: Configuration,
  file: string,
  judge: KeyJudge = judgeToRead,
): Promise<PublicKey> {
  const { verify, seal } = configuration;
  if (verify?.publicKey !== undefined) return loadPublicKey(verify.publicKey, 'verify.publicKey');
  if (seal !== undefined) return (await loadSigningKey(seal.key, judge)).publicKey;
  throw new SealstreamError(
    'configuration',
    `${file}: neither verify.publicKey nor seal.key is there`,
  );
}
