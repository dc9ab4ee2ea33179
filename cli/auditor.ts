/** What verify and prove need: a stream, a ledger, topics and the public key; with or without ledger.yaml. */
import { SealstreamError } from '../ledger/error.js';
import { checkLedgerName, checkTopicName } from '../ledger/origin.js';
import { loadDeclared } from '../policy/file/parse.js';
import type { Logger, Stream } from '../stream/stream.js';
import { logger } from './logger.js';
import { openPlace, type StreamPlace } from './place.js';
import {
  type CommonOptions,
  checkStreamUrl,
  configurationTopic,
  configuredPlace,
  isAbsent,
  placeByUrl,
  selectLogs,
} from './session.js';

export interface AuditorOptions extends CommonOptions {
  readonly stream?: string;
  readonly ledger?: string;
  readonly topic?: string;
  readonly publicKey?: string;
  readonly timeout?: number;
}

export interface Subject {
  readonly ledger: string;
  readonly topics: readonly { readonly name: string; readonly partitions: number | null }[];
  /** The ledger's configuration topic; null: none that is known. */
  readonly configuration: string | null;
  readonly publicKeyFile: string;
  readonly publicKeyField: string;
  readonly maxAge: number;
  /** Absolute; null: this place does not seal. */
  readonly sealerMemory: string | null;
  /** A stream that is silent for this long counts as out of reach. */
  readonly timeoutMs: number;
  readonly place: () => Promise<StreamPlace>;
  readonly open: () => Promise<Stream>;
}

const DEFAULT_MAX_AGE_MS = 900_000;
const DEFAULT_TIMEOUT_MS = 30_000;

function byArguments(options: AuditorOptions, log: Logger): Subject | null {
  const { stream, ledger, topic, publicKey } = options;
  if (stream === undefined && ledger === undefined) return null;
  if (stream === undefined || ledger === undefined) {
    throw new SealstreamError('usage', '--stream and --ledger go together');
  }
  if (topic === undefined || publicKey === undefined) {
    throw new SealstreamError(
      'usage',
      'with --stream and --ledger, --topic and --public-key are needed too',
    );
  }
  checkName('--ledger', ledger, checkLedgerName);
  checkName('--topic', topic, checkTopicName);
  checkStreamUrl(stream);
  return {
    ledger,
    topics: [{ name: topic, partitions: null }],
    configuration: null,
    publicKeyFile: publicKey,
    publicKeyField: '--public-key',
    maxAge: DEFAULT_MAX_AGE_MS,
    sealerMemory: null,
    timeoutMs: options.timeout ?? DEFAULT_TIMEOUT_MS,
    ...placed(async () => placeByUrl(stream, options.timeout ?? DEFAULT_TIMEOUT_MS), log),
  };
}

function placed(place: () => Promise<StreamPlace>, log: Logger): Pick<Subject, 'place' | 'open'> {
  return { place, open: async () => openPlace(await place(), log) };
}

/** Throws `usage` where `check` throws. */
export function checkName(option: string, name: string, check: (name: string) => void): void {
  try {
    check(name);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError('usage', `${option}: ${reason}`, { cause: error });
  }
}

/** What is to be verified. Command-line options replace ledger.yaml, or single fields of it. */
export async function subjectOf(options: AuditorOptions): Promise<Subject> {
  const log = logger('warn');
  const given = byArguments(options, log);
  if (given !== null) return given;
  if (isAbsent(options.config)) {
    throw new SealstreamError(
      'configuration',
      `${options.config} is not there; without it, --stream, --ledger, --topic and --public-key say what to verify`,
    );
  }
  const declared = await loadDeclared(options.config);
  const { configuration } = declared;
  const timeoutMs = options.timeout ?? configuration.kafka?.timeout ?? DEFAULT_TIMEOUT_MS;
  const publicKeyFile = options.publicKey ?? configuration.verify?.publicKey;
  if (publicKeyFile === undefined) {
    throw new SealstreamError(
      'configuration',
      `${options.config}: verify.publicKey is missing, and there is no --public-key`,
    );
  }
  return {
    ledger: configuration.ledger,
    topics: selectLogs(configuration, options.topic),
    configuration: configurationTopic(configuration)?.name ?? null,
    publicKeyFile,
    publicKeyField: options.publicKey === undefined ? 'verify.publicKey' : '--public-key',
    maxAge: configuration.verify?.maxAge ?? DEFAULT_MAX_AGE_MS,
    sealerMemory: configuration.seal?.memory ?? null,
    timeoutMs,
    ...placed(() => configuredPlace(declared, timeoutMs), log),
  };
}
