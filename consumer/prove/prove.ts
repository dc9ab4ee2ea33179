/** Proves one record: a receipt that anyone with the public key can check offline. */

import { SealstreamError } from '../../ledger/error.js';
import { LogState } from '../../ledger/log.js';
import { checkReceipt, formatReceipt } from '../../ledger/receipt.js';
import type { RecordBatch } from '../../stream/stream.js';
import { partitionTasks } from '../checks.js';
import { limited } from '../deadline.js';
import type { Evidence } from '../evidence.js';
import { readProveOptions } from '../given.js';
import { locate } from '../locate.js';
import { NotVerified } from '../not-verified.js';
import type { ConsumerOptions } from '../options.js';
import { type OpenedLog, openLog } from '../sealed-log.js';
import { NO_EVIDENCE, Points } from '../signed-checkpoints.js';
import { prepareTopic } from '../topic.js';
import { type Finding, finding } from '../verdict.js';
import { walk } from '../walk.js';
import { ProofBuilder } from './proof-builder.js';

export interface ProveOptions extends ConsumerOptions {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface Proof {
  /** A C2SP tlog-proof (FORMAT §8), as text. */
  readonly receipt: string;
  /** The record's body (FORMAT §2), which the receipt is checked with. */
  readonly record: Uint8Array;
}

/**
 * A receipt against the smallest checkpoint that covers the offset. Reads only from the checkpoint
 * before it on, whatever the size of the log. Throws `not-sealed` where no checkpoint covers the
 * offset or no record is there, and NotVerified where the log does not lead to the checkpoint.
 */
export async function prove(given: ProveOptions): Promise<Proof> {
  const { options, release } = limited(readProveOptions(given));
  try {
    return await proveOne(options);
  } finally {
    release();
  }
}

async function proveOne(options: ProveOptions): Promise<Proof> {
  const { topic, partition, offset } = options;
  const { log, source } = await open(options);
  const { points } = log;
  let at = 0;
  while (at < points.length && points.nextOf(at) <= offset) at++;
  const covering = await firstEvidence(log, at, points.length, 1);
  if (covering === null || offset < log.first) {
    throw new SealstreamError(
      'not-sealed',
      `${topic}/${partition}: no signed checkpoint covers offset ${offset}; ` +
        (log.end > log.first ? `sealed are ${log.first} to ${log.end - 1n}` : 'nothing is sealed'),
    );
  }
  const before = await firstEvidence(log, at - 1, -1, -1);
  const start =
    before === null
      ? LogState.start(log.origin, log.first)
      : LogState.resume(before.checkpoint, before.last, before.frontier);
  const good = start.clone();
  const builder = new ProofBuilder(start, offset, covering.checkpoint.size);
  const { next } = covering.checkpoint;
  const only = new Points();
  only.add(covering.checkpoint, NO_EVIDENCE);
  const append = (batch: RecordBatch, from: number, to: number): void => {
    for (let index = from; index < to; index++) builder.add(batch, index);
  };
  for await (const step of walk(source, start, only, 0, next, { append })) {
    if (step.kind !== 'differs') continue;
    const found = await locate(source, good, step.point, covering);
    throw new NotVerified([found ?? unstable(source.place, offset)]);
  }
  await source.probe(true);
  await source.checkIndexes();
  if (!source.strays.isEmpty) throw new NotVerified(source.strays.findings(source.place));
  const { body, ...built } = builder.finish(`${topic}/${partition}`);
  const receipt = { ...built, note: covering.note };
  checkReceipt(receipt, body, options.publicKey);
  return { receipt: formatReceipt(receipt), record: body };
}

async function open(options: ProveOptions): Promise<OpenedLog> {
  const state = await prepareTopic(options, { topic: options.topic });
  const findings: Finding[] = [...state.findings];
  const task = partitionTasks(
    { ...options, topics: [], maxAge: Number.MAX_SAFE_INTEGER },
    state,
  )[0];
  const opened = task === undefined ? null : await openLog(task, findings);
  if (opened !== null) return opened;
  if (findings.length > 0) throw new NotVerified(findings);
  throw new SealstreamError(
    'not-sealed',
    `${options.topic}/${options.partition}: there is no checkpoint that this key signed`,
  );
}

/** The evidence nearest to `from`, looking towards `end`. */
async function firstEvidence(
  log: OpenedLog['log'],
  from: number,
  end: number,
  step: 1 | -1,
): Promise<Evidence | null> {
  for (let at = from; at !== end && at >= 0; at += step) {
    if (log.conflicting.has(at)) continue;
    const evidence = await log.evidence(log.points.get(at));
    if (evidence !== null) return evidence;
  }
  return null;
}

function unstable(place: string, offset: bigint): Finding {
  return finding(
    'unreadable',
    `${place}: two readings around offset ${offset} gave different records`,
  );
}
