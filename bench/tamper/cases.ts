/**
 * One tampered log, and every way of verifying it. What the plain walk says is held against what was
 * done to the log, and what every other walker and mode says against the plain walk.
 */
import { NotVerified, prove, type Report, replay, verify } from '../../consumer/index.js';
import type { VerifyOptions } from '../../consumer/options.js';
import { SealstreamError } from '../../ledger/error.js';
import type { Stream } from '../../stream/stream.js';
import { standingMemory } from '../../test/support/accepted.js';
import type { BesideCase } from '../../test/support/beside.js';
import {
  LocalWalkers,
  partition,
  proveOptions,
  verifyOptions,
} from '../../test/support/findings.js';
import type { Sealed } from '../../test/support/made-ledger.js';
import type { Changed, Fault } from './faults.js';

/** Begins elsewhere, so that it names another range of the same change. */
const ONLY_NEW = 'only new';
const TIMING = { timeoutMs: 30_000, confirmMs: 20 };
/** Of a log that was cut off nothing more comes. */
const PROVE_MS = 1_000;

export interface TamperedCase extends BesideCase {
  readonly seed: number;
  readonly fault: Fault;
  readonly changed: Changed;
  /** What a verifier had accepted of the log before: one of its checkpoints. */
  readonly accepted: Sealed;
}

/** How a case ended; each list names what went wrong, empty where nothing did. */
export interface Outcome {
  readonly unseen: readonly string[];
  readonly falseAlarms: readonly string[];
  readonly differences: readonly string[];
}

/** `isRepeatable`: the stream hands out the same, however it is asked, so that findings are equal. */
export async function judgeCase(
  one: TamperedCase,
  stream: Stream,
  isRepeatable: boolean,
): Promise<Outcome> {
  const unseen: string[] = [];
  const falseAlarms: string[] = [];
  const differences: string[] = [];
  const tell = (list: string[], mode: string, verdict: string): void => {
    list.push(`seed ${one.seed}, ${one.fault.name} (${one.spot}), ${mode}: ${verdict}`);
  };
  const options = { ...verifyOptions(one.made, stream), ...TIMING, clock: standing() };
  const plain = await verify(options);
  const isExpected = (report: Report) => isAsExpected(one, report);
  if (!isExpected(plain))
    tell(one.changed === null ? falseAlarms : unseen, 'in order', plain.verdict);
  for (const [mode, report] of await otherWays(one, options, stream)) {
    const isExact = isRepeatable && one.fault.ofCheckpoints !== true && mode !== ONLY_NEW;
    const isEqual = isExact
      ? JSON.stringify(plainOf(report)) === JSON.stringify(plainOf(plain))
      : report.verdict === plain.verdict && (!isRepeatable || isExpected(report));
    if (!isEqual) tell(differences, mode, report.verdict);
  }
  for (const [mode, verdict] of await readers(one, options)) {
    if (verdict !== plain.verdict) tell(differences, mode, verdict);
  }
  return { unseen, falseAlarms, differences };
}

/** Tampered, and the range named; or intact where nothing that anybody is given has changed. */
function isAsExpected({ changed, fault }: TamperedCase, report: Report): boolean {
  if (changed === null) return report.verdict === 'intact';
  if (report.verdict !== 'tampered') return false;
  if (fault.ofCheckpoints === true) return true;
  return partition(report, 0).findings.some(
    ({ from, to }) => from !== null && to !== null && from < changed.to && changed.from < to,
  );
}

async function otherWays(
  one: TamperedCase,
  options: VerifyOptions,
  stream: Stream,
): Promise<Map<string, Report>> {
  const ways = new Map<string, Report>();
  const walkers = new LocalWalkers(stream, TIMING);
  ways.set('by several walkers', await verify({ ...options, walkers }));
  const memory = standingMemory(one.made, one.accepted);
  ways.set('with a memory', await verify({ ...options, memory }));
  ways.set('with a memory, by several walkers', await verify({ ...options, memory, walkers }));
  // What was accepted before is not read again, and nothing is said of it then.
  const isLater = one.changed === null || one.changed.from >= one.accepted.checkpoint.next;
  if (isLater && one.fault.ofCheckpoints !== true) {
    const onlyNew = await verify({ ...options, memory, onlyNew: true });
    ways.set(ONLY_NEW, onlyNew);
  }
  return ways;
}

/** The verdict that replay ends with, and what prove does; `forged`: what was never sealed came out. */
async function readers(one: TamperedCase, options: VerifyOptions): Promise<Map<string, string>> {
  const { changed, fault, made, values } = one;
  const isTrue = (offset: bigint, value: Uint8Array | null) =>
    Buffer.from(value ?? []).toString('latin1') === values.get(offset);
  const replayed = await verdictOf(async () => {
    for await (const { offset, value } of replay(options)) {
      if (!isTrue(offset, value)) return 'forged';
    }
    return 'intact';
  });
  const ways = new Map([['replay', replayed]]);
  if (changed === null || fault.ofCheckpoints === true) return ways;
  const proved = await verdictOf(async () => {
    const proving = proveOptions(made, options.stream, changed.from);
    await prove({ ...proving, timeoutMs: PROVE_MS });
    return 'proved';
  });
  ways.set('prove', proved === 'proved' ? proved : 'tampered');
  return ways;
}

async function verdictOf(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NotVerified) return error.verdict;
    if (error instanceof SealstreamError && error.code !== 'internal') return error.code;
    throw error;
  }
}

/**
 * Codes and ranges. How many records are missing beside a batch that moved depends on where a reading
 * begins: one that is sought there begins within it.
 */
function plainOf(report: Report): unknown {
  const { partitions, verdict } = report;
  const found = partitions.map(({ findings }) =>
    findings.map(({ code, from, to }) => `${code} ${from} ${to}`),
  );
  return { verdict, found };
}

function standing(): () => number {
  const now = Date.now();
  return () => now;
}
