/** What the commands that look after the ledger itself begin with: `plan`, `apply`, `doctor`. */
import { userInfo } from 'node:os';
import { type Declared, loadDeclared } from '../policy/file/parse.js';
import type { Administration } from '../stream/administration.js';
import { openAdministration } from '../stream/open.js';
import type { Stream } from '../stream/stream.js';
import { type LogLevel, logger } from './logger.js';
import { openPlace, type StreamPlace } from './place.js';
import { type CommonOptions, configuredPlace } from './session.js';

export interface LedgerSession {
  readonly declared: Declared;
  readonly stream: Stream;
  readonly administration: Administration;
  /** The user that the stream knows, else that of this machine. */
  readonly actor: string;
  /** Those of whom it may be one to the brokers: by a SASL user name, else any admin of the file. */
  readonly principals: readonly string[];
}

/** Opens the stream and its administration, runs `work`, and closes both however it ends. */
export async function withLedger<T>(
  options: CommonOptions & { readonly logLevel?: LogLevel; readonly timeoutMs?: number },
  work: (session: LedgerSession) => Promise<T>,
): Promise<T> {
  const declared = await loadDeclared(options.config);
  const log = logger(options.logLevel ?? 'warn');
  const place = await configuredPlace(declared, options.timeoutMs);
  const stream = await openPlace(place, log);
  try {
    const administration = await openAdministration(place.url, { ...place.options, logger: log });
    try {
      return await work({
        declared,
        stream,
        administration,
        actor: actorOf(place),
        principals: principalsOf(place, declared),
      });
    } finally {
      await administration.close();
    }
  } finally {
    await stream.close();
  }
}

function actorOf({ options }: StreamPlace): string {
  const { sasl } = options.kafka ?? {};
  return sasl !== undefined && 'username' in sasl ? sasl.username : osUser();
}

/** What the brokers make of a certificate or a token is theirs to know. */
function principalsOf({ options }: StreamPlace, { configuration }: Declared): string[] {
  const { sasl } = options.kafka ?? {};
  if (sasl !== undefined && 'username' in sasl) return [`User:${sasl.username}`];
  return (configuration.principals?.admin ?? []).map(({ principal }) => principal);
}

/** A container may run as a number that has no name. */
function osUser(): string {
  try {
    return userInfo().username;
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return `uid:${process.getuid?.() ?? ''}`;
    throw error;
  }
}
