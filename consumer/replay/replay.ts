/**
 * Replay: the records of sealed logs, in order, each held back until a checkpoint that covers it has
 * verified. It stops before the first interval that it cannot vouch for.
 */

import { SealstreamError } from '../../ledger/error.js';
import { LogState } from '../../ledger/log.js';
import { eventOf } from '../../schemas/codec.js';
import type { AuditEvent } from '../../schemas/generated.js';
import type { StreamRecord } from '../../stream/stream.js';
import { checkPartition, type PartitionTask, partitionTasks } from '../checks.js';
import { limited } from '../deadline.js';
import { findingOf } from '../failure.js';
import { readReplayOptions } from '../given.js';
import { locate } from '../locate.js';
import { NotVerified } from '../not-verified.js';
import type { VerifyOptions } from '../options.js';
import { type OpenedLog, openLog, overdueFinding, truncatedFinding } from '../sealed-log.js';
import type { Source } from '../source.js';
import { Tail } from '../tail.js';
import { prepareTopic } from '../topic.js';
import { type Finding, finding } from '../verdict.js';
import { walk } from '../walk.js';
import { Interval, type Slice } from './held-records.js';

export interface ReplayOptions extends VerifyOptions {
  /** First offset to deliver, of every partition. Default: all. */
  readonly from?: bigint;
  /** Also deliver the records beyond the head, marked as not sealed. Default false. */
  readonly unsealed?: boolean;
  /** Bytes of batches held back at once. Default 16 MiB; longer intervals are read twice. */
  readonly holdBytes?: number;
}

export interface Replayed extends StreamRecord {
  readonly topic: string;
  readonly partition: number;
  /** false: beyond the head; nothing vouches for it yet. */
  readonly sealed: boolean;
  /** null: the value is no AuditEvent that is known here. */
  readonly event: AuditEvent | null;
}

const DEFAULT_HOLD_BYTES = 16 * 1024 * 1024;

/**
 * Topic by topic, partition by partition, in offset order. Bytes are views: copy what you keep.
 * Throws NotVerified where it stops, and also at its end where the verdict on what it read is not
 * intact: a reader that gets to the end of the iteration was given everything that is sealed.
 */
export async function* replay(given: ReplayOptions): AsyncGenerator<Replayed, void> {
  const { options, release } = limited(readReplayOptions(given));
  const findings: Finding[] = [];
  try {
    for (const topic of options.topics) {
      const state = await prepareTopic(options, topic);
      for (const task of partitionTasks(options, state)) {
        findings.push(...checkPartition(task));
        const replayed = new PartitionReplay(task, options);
        // A slice at a time up to here: each record costs one turn, not one for every generator.
        for await (const records of replayed.run()) {
          for (const record of records) yield record;
        }
        findings.push(...replayed.findings);
        if (replayed.stopped) throw new NotVerified(findings);
      }
    }
  } finally {
    release();
  }
  if (findings.length > 0) throw new NotVerified(findings);
}

class PartitionReplay {
  readonly findings: Finding[] = [];
  /** It ended early, for the last of the findings. */
  stopped = false;
  readonly #task: PartitionTask;
  readonly #options: ReplayOptions;

  constructor(task: PartitionTask, options: ReplayOptions) {
    this.#task = task;
    this.#options = options;
  }

  async *run(): AsyncGenerator<Iterable<Replayed>> {
    const { from, unsealed, holdBytes = DEFAULT_HOLD_BYTES } = this.#options;
    const opened = await openLog(this.#task, this.findings);
    if (opened === null) return;
    try {
      const started = await startAt(opened, from ?? opened.log.first);
      if (started.finding !== null) return this.#stop(started.finding);
      const tail = new Tail(opened.sealedBefore);
      const walker = new Walker(opened, started, holdBytes);
      for await (const { slice, sealed } of walker.run()) {
        if (!sealed) tail.add({ kind: 'tail', ...slice });
        if (sealed || unsealed === true) yield this.#records(slice, sealed);
      }
      if (walker.stopped !== null) this.#stop(walker.stopped);
      await this.#probe(opened.source);
      if (!this.stopped) this.findings.push(...overdueFinding(opened.source, tail));
    } catch (error) {
      if (!this.stopped) this.#stop(findingOf(error));
    }
  }

  /** As verify does, also where it stopped: what stands beside the log may be why. */
  async #probe(source: Source): Promise<void> {
    await source.probe(true);
    await source.checkIndexes();
    for (const stray of source.strays.findings(source.place)) {
      const isSaid = this.findings.some(({ message }) => message === stray.message);
      if (!isSaid) this.#stop(stray);
    }
  }

  #stop(finding: Finding): void {
    this.findings.push(finding);
    this.stopped = true;
  }

  *#records({ batch, from, to }: Slice, sealed: boolean): Generator<Replayed> {
    const { state, partition } = this.#task;
    const first = this.#options.from ?? 0n;
    for (let index = from; index < to; index++) {
      if ((batch.offsets[index] ?? 0n) < first) continue;
      const record = batch.record(index);
      const event = eventOf(record.value);
      yield { ...record, topic: state.topic, partition, sealed, event };
    }
  }
}

interface Start {
  readonly state: LogState;
  readonly index: number;
  readonly finding: Finding | null;
}

/** The nearest checkpoint at or below `offset` that can be resumed, else the beginning of the log. */
async function startAt({ log, bounds, source }: OpenedLog, offset: bigint): Promise<Start> {
  let start: Start = { state: LogState.start(log.origin, log.first), index: 0, finding: null };
  for (let at = log.points.length - 1; at >= 0; at--) {
    if (log.points.nextOf(at) > offset || log.conflicting.has(at)) continue;
    const evidence = await log.evidence(log.points.get(at));
    if (evidence === null) continue;
    const { checkpoint, last, frontier } = evidence;
    source.seekLast(checkpoint, last);
    start = { state: LogState.resume(checkpoint, last, frontier), index: at + 1, finding: null };
    break;
  }
  const { next } = start.state;
  if (bounds.logStart <= next) return start;
  const message =
    `${source.place}: the log now starts at ${bounds.logStart}; the records from ${next} on are ` +
    'deleted; start behind a later checkpoint to replay the rest';
  return { ...start, finding: finding('log-start-moved', message, next, bounds.logStart) };
}

/** Walks the log and lets the slices of an interval go once its checkpoint agrees. */
class Walker {
  /** Why the walk ended early. */
  stopped: Finding | null = null;
  readonly #opened: OpenedLog;
  readonly #state: LogState;
  readonly #interval: Interval;
  #index: number;
  #good: LogState;

  constructor(opened: OpenedLog, start: Start, holdBytes: number) {
    this.#opened = opened;
    this.#state = start.state;
    this.#index = start.index;
    this.#good = start.state.clone();
    this.#interval = new Interval(opened.source, start.state, holdBytes);
  }

  async *run(): AsyncGenerator<{ readonly slice: Slice; readonly sealed: boolean }> {
    const { log, source, bounds } = this.#opened;
    const until = bounds.highWatermark;
    for (;;) {
      let skipped = false;
      for await (const step of walk(source, this.#state, log.points, this.#index, until)) {
        [this.stopped = null] = source.strays.findings(source.place);
        if (this.stopped !== null) return;
        if (step.kind === 'records') this.#interval.add(step, this.#state);
        if (step.kind === 'tail') yield { slice: step, sealed: false };
        if (step.kind === 'agrees') {
          this.#index = step.index + 1;
          this.stopped = yield* this.#release();
          if (this.stopped !== null) return;
        }
        if (step.kind !== 'differs') continue;
        // The contradiction is reported already; the log may agree with the other checkpoint.
        skipped = log.conflicting.has(step.index);
        this.#index = step.index + 1;
        if (!skipped) {
          const evidence = await log.evidence(step.point);
          this.stopped = await locate(source, this.#good.clone(), step.point, evidence);
          this.stopped ??= this.#changeable(step.point.next);
          return;
        }
      }
      if (!skipped) break;
    }
    this.stopped = truncatedFinding(source, log.end, until)[0] ?? null;
    if (this.stopped === null && this.#index < log.points.length) {
      throw new SealstreamError('internal', `${source.place}: not every checkpoint was compared`);
    }
  }

  async *#release(): AsyncGenerator<{ slice: Slice; sealed: boolean }, Finding | null> {
    const slices = this.#interval.take(this.#state);
    for (;;) {
      const { done, value } = await slices.next();
      if (done === true) {
        this.#good = this.#state.clone();
        return value;
      }
      yield { slice: value, sealed: true };
    }
  }

  #changeable(next: bigint): Finding {
    const from = this.#good.next;
    const message =
      `${this.#opened.source.place}: two readings of offsets ${from} to ${next - 1n} gave different ` +
      'records';
    return finding('unreadable', message, from, next);
  }
}
