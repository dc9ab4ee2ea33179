/** One partition: all its checks, and what they make of it. */
import { LogState } from '../../ledger/log.js';
import { checkPartition, logOf, type PartitionTask } from '../checks.js';
import { DEFAULT_PROBES } from '../places.js';
import { accept } from '../remembered.js';
import { type OpenedLog, openLog, overdueFinding, type SealedLog } from '../sealed-log.js';
import type { Point } from '../signed-checkpoints.js';
import { originOf } from '../topic.js';
import type { Finding } from '../verdict.js';
import { indexOfPoint, walkAhead } from './parallel-walk.js';
import { Recomputation } from './recompute.js';
import { type PartitionReport, partitionReport } from './report.js';

/** What became of a partition, and how many places of it were sought again. */
export interface VerifiedPartition {
  readonly report: PartitionReport;
  readonly probes: number;
}

export async function verifyPartition(task: PartitionTask): Promise<VerifiedPartition> {
  const { options, state, partition } = task;
  const log = logOf(task);
  const head = log?.head?.checkpoint ?? null;
  const findings = checkPartition(task);
  const recomputed = await recompute(task, findings);
  const report = partitionReport({
    origin: originOf(state, options.ledger, partition),
    topic: state.topic,
    partition,
    sealed:
      head === null
        ? null
        : {
            size: head.size,
            first: head.first,
            next: head.next,
            time: new Date(head.time).toISOString(),
          },
    verified: { records: recomputed?.records ?? 0n, checkpoints: recomputed?.checkpoints ?? 0 },
    unsealed: { records: recomputed?.tail.records ?? 0n },
    findings: findings.filter((found, index) => index === findings.findIndex(isSameAs(found))),
  });
  if (report.verdict === 'intact' && options.memory !== undefined && log?.head) {
    const key = { ledger: options.ledger, topic: state.topic, partition };
    await accept(options.memory, key, log.head, options.publicKey);
  }
  return { report, probes: recomputed?.probed ?? 0 };
}

/** One outage meets several checks of a partition; it is said once. */
function isSameAs({ code, message, from, to }: Finding): (other: Finding) => boolean {
  return (other) =>
    other.code === code && other.message === message && other.from === from && other.to === to;
}

async function recompute(task: PartitionTask, findings: Finding[]): Promise<Recomputation | null> {
  const opened = await openLog(task, findings, true);
  if (opened === null) return null;
  const { options, state, partition } = task;
  const tell = (position: bigint, until: bigint): void =>
    options.onProgress?.({ topic: state.topic, partition, position, until });
  const accepting = new AcceptedOnTheWay(task, opened.log);
  const onAgreed = (point: Point): Promise<void> => accepting.agreed(point);
  const recomputation = new Recomputation(opened.log, {
    source: opened.source,
    bounds: opened.bounds,
    sealedBefore: opened.sealedBefore,
    onProgress: tell,
    onAgreed,
  });
  if (options.onlyNew === true) skipAccepted(task, opened, recomputation);
  if (options.walkers !== undefined) {
    const { walkers } = options;
    const onProgress = (position: bigint): void => tell(position, opened.bounds.highWatermark);
    const { signal, probes = DEFAULT_PROBES } = options;
    const walking = { walkers, probes, signal, onProgress, onAgreed };
    recomputation.beginAt(await walkAhead(opened, recomputation.start, walking), true);
  }
  await recomputation.run();
  findings.push(...recomputation.findings, ...overdueFinding(opened.source, recomputation.tail));
  return recomputation;
}

/** Begins at what was accepted before; where records before it are gone, at the beginning. */
function skipAccepted(
  { state, partition }: PartitionTask,
  { log, source, bounds }: OpenedLog,
  recomputation: Recomputation,
): void {
  const remembered = state.remembered.get(partition);
  if (!remembered?.checkpoint || remembered.evidence === null) return;
  if (remembered.checkpoint.origin !== log.origin || bounds.logStart > log.first) return;
  const index = indexOfPoint(log.points, remembered.checkpoint);
  if (index < 0) return;
  const { last, frontier } = remembered.evidence;
  const accepted = LogState.resume(remembered.checkpoint, last, frontier);
  source.seekLast(remembered.checkpoint, last);
  recomputation.beginAt({ state: accepted, index: index + 1 }, false);
}

const ACCEPT_EVERY_MS = 5000;

/** Remembers now and then how far a long verification has come, so that another can go on there. */
class AcceptedOnTheWay {
  readonly #task: PartitionTask;
  readonly #log: SealedLog;
  #last = performance.now();

  constructor(task: PartitionTask, log: SealedLog) {
    this.#task = task;
    this.#log = log;
  }

  async agreed(point: Point): Promise<void> {
    const { options, state, partition } = this.#task;
    const { acceptEvery = ACCEPT_EVERY_MS } = options;
    if (options.memory === undefined || performance.now() - this.#last < acceptEvery) return;
    this.#last = performance.now();
    const evidence = await this.#log.evidence(point);
    if (evidence === null) return;
    const { checkpoint, note } = evidence;
    const key = { ledger: options.ledger, topic: state.topic, partition };
    await accept(options.memory, key, { checkpoint, note, evidence }, options.publicKey);
  }
}
