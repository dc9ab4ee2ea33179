import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import { readRange } from '../stream/read.js';
import { abortWith } from './abort.js';
import { backoffDelay, pause } from './backoff.js';
import { logStartMoved, refuseStrays } from './inspect.js';
import type { LogSealer } from './log-sealer.js';
import { type Refusal, refusalOf } from './refusal.js';

/** How one log came out of `sealOnce`; at most one of `refusal` and `error` is set. */
export interface SealedOnce {
  readonly topic: string;
  readonly partition: number;
  /** null: of a configuration topic that is not there. */
  readonly origin: string | null;
  /** The head after sealing; null: nothing is signed. */
  readonly sealed: { readonly size: bigint; readonly next: bigint; readonly time: number } | null;
  /** Records sealed by this call. */
  readonly records: bigint;
  readonly refusal: Refusal | null;
  /** An outage that lasted too long, or `signal` aborted; nothing is wrong with the log. */
  readonly error: SealstreamError | null;
}

/**
 * Seals one log up to the high watermark that it first shows, and publishes a checkpoint that says
 * so, also where the log is empty or has not grown.
 */
export async function sealLogOnce(log: LogSealer, signal: AbortSignal): Promise<SealedOnce> {
  const { topic, partition, origin, settings } = log.context;
  const before = log.totals.records;
  let refusal: Refusal | null = null;
  let error: SealstreamError | null = null;
  try {
    await untilSealed(log, signal);
  } catch (failure) {
    const refused = signal.aborted ? null : refusalOf(failure, log.place);
    if (refused === null) error = asSealstreamError(failure, 'closed', `${log.place}: stopped`);
    if (refused !== null) {
      const { reason, message } = refused;
      refusal = { reason, message, since: settings.clock.now() };
      settings.logger.error({ log: origin, reason }, message);
    }
  }
  const { sealed } = log;
  return {
    topic: topic.topic,
    partition,
    origin,
    sealed: sealed && { size: sealed.size, next: sealed.next, time: sealed.time },
    records: log.totals.records - before,
    refusal,
    error,
  };
}

const BATCH_CODES: ReadonlySet<string> = new Set(['batch-corrupt', 'unreadable', 'unsupported']);

interface Goal {
  /** null: the log has not yet been asked for its end. */
  end: bigint | null;
  readonly since: number;
}

/** Tries again after outages, and after another sealer was first, until the goal is sealed. */
async function untilSealed(log: LogSealer, signal: AbortSignal): Promise<void> {
  const { clock, logger } = log.context.settings;
  const goal: Goal = { end: null, since: clock.now() };
  const patience = patienceOf(log);
  let hasCorruptRead = false;
  let deadline = clock.monotonic() - log.waited + patience;
  let reached = log.sealed?.next ?? -1n;
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (await sealTo(log, goal, signal)) return;
    } catch (error) {
      const isFirstCorruptRead: boolean =
        !hasCorruptRead && error instanceof SealstreamError && error.code === 'batch-corrupt';
      hasCorruptRead ||= isFirstCorruptRead;
      const isPassing = isFirstCorruptRead || refusalOf(error, log.place) === null;
      // A truncated log is told from a slow one only by waiting, so it may outlast the deadline.
      const isPatient =
        clock.monotonic() - log.waited < deadline ||
        (log.end.isAwaited && !log.end.isBehindTooLong);
      if (!isPassing || !isPatient || signal.aborted) throw error;
      const message = error instanceof Error ? error.message : String(error);
      logger.warn({ log: log.context.origin, attempt }, message);
      log.doubt(error);
      await pause(backoffDelay(attempt), signal);
    }
    const next = log.sealed?.next ?? -1n;
    if (next > reached) {
      reached = next;
      deadline = clock.monotonic() - log.waited + patience;
    }
  }
}

/** One attempt; false: another sealer was first. */
async function sealTo(log: LogSealer, goal: Goal, signal: AbortSignal): Promise<boolean> {
  await withinPatience(log, signal, (limited) => log.recover(limited));
  goal.end ??= log.end.highWatermark ?? 0n;
  const { end } = goal;
  const { sealed } = log;
  // Another sealer did it for us.
  if (sealed !== null && sealed.next >= end && sealed.time > goal.since) return true;
  const from = log.next ?? 0n;
  try {
    const chain = (progress: () => void) => chainTo(log, from, end, signal, progress);
    if (from < end && !(await log.inTurn(log.context.chains, chain))) return false;
  } catch (error) {
    // A batch that cannot be read is no reason to leave what was read before it unsealed.
    const isBatch =
      error instanceof SealstreamError &&
      (BATCH_CODES.has(error.code) || refusalOf(error, log.place)?.reason === 'batch-corrupt');
    if (isBatch && log.unsealedRecords > 0n) await checkpoint(log, signal);
    throw error;
  }
  return checkpoint(log, signal);
}

/** false: another sealer was first. */
async function checkpoint(log: LogSealer, signal: AbortSignal): Promise<boolean> {
  return log.inClockTurn(async () => {
    await log.askConfiguration(signal);
    await withinPatience(log, signal, (limited) => log.askTime(limited));
    return withinPatience(log, signal, (limited) => log.checkpoint(limited));
  });
}

/** A checkpoint that cannot be published is waited for as long as any outage, and no longer. */
async function withinPatience<T>(
  log: LogSealer,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const limited = abortWith(signal);
  const timer = setTimeout(limited.abort, patienceOf(log));
  try {
    return await work(limited.signal);
  } finally {
    limited.release();
    clearTimeout(timer);
  }
}

function patienceOf(log: LogSealer): number {
  const { timeout, truncatedAfter } = log.context.settings;
  return Math.max(timeout, truncatedAfter);
}

async function chainTo(
  log: LogSealer,
  from: bigint,
  end: bigint,
  signal: AbortSignal,
  progress: () => void,
): Promise<boolean> {
  const { stream, topic, partition, settings } = log.context;
  const range = { partition, from, until: end };
  const options = { timeoutMs: settings.timeout, signal, recycle: true, withStrays: true };
  for await (const fetched of readRange(stream, topic, range, options)) {
    progress();
    if (fetched.highWatermark !== null) log.follow(fetched.highWatermark);
    const at = log.next ?? 0n;
    if (fetched.logStart !== null && fetched.logStart > at) {
      throw logStartMoved(log.context, fetched.logStart, at);
    }
    refuseStrays(log.context, fetched.strays);
    for (const batch of fetched.batches) {
      await log.append(batch, fetched.next.offset);
      if (log.unsealedRecords < BigInt(settings.records)) continue;
      if (!(await checkpoint(log, signal))) return false;
    }
    log.skipTo(fetched.next.offset);
  }
  return true;
}
