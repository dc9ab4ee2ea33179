/**
 * What somebody with a stopped stream's disk can do to a sealed log. Each fault tells which offsets
 * it concerns, so that whoever verifies can be held to it; null: nothing that anybody is given has
 * changed, and no verifier may say that it has.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RECORDS_AT } from '../../stream/batch/layout.js';
import {
  edit,
  forgedCopy,
  insert,
  leadTo,
  putBeside,
  repeat,
  type StoredBatch,
  storedBatches,
  stretch,
} from '../../test/support/forgery.js';
import { type TamperedLog, tamper } from '../../test/support/tamper.js';
import type { Random } from '../chaos/random.js';

/** Offsets [from, to); null: the change is nobody's to see. */
export type Changed = { readonly from: bigint; readonly to: bigint } | null;

interface Victim {
  readonly root: string;
  readonly topic: string;
  /** The batch that a case is about. */
  readonly number: number;
  readonly random: Random;
}

export interface Fault {
  readonly name: string;
  /** A broker makes these files anew, or does not look at them: only the disk itself shows it. */
  readonly onDiskOnly?: boolean;
  /** Of the segment with the checkpoints: no range is named. */
  readonly ofCheckpoints?: boolean;
  apply(victim: Victim): Changed;
}

export const FAULTS: readonly Fault[] = [
  { name: 'nothing', apply: () => null },
  { name: 'a byte changed', apply: onRecord((log, offset) => log.changeByte(offset)) },
  { name: 'a record removed', apply: onRecord((log, offset) => log.remove(offset)) },
  { name: 'a timestamp moved', apply: onRecord((log, offset) => log.moveTimestamp(offset, 1n)) },
  { name: 'a batch damaged', apply: onRecord((log, offset) => log.corrupt(offset)) },
  { name: 'the tail cut off', apply: onRecord((log, offset) => log.truncate(offset)) },
  { name: 'two records exchanged', apply: swapped },
  { name: 'records deleted at the start', apply: deletedBefore },
  { name: 'a copy beside the batch, and an index to it', apply: besideWithIndex },
  { name: 'a copy beside the batch', apply: beside },
  { name: 'a copy at the end of the segment', apply: copyAtEnd },
  { name: 'the batch itself once more', apply: twice },
  { name: 'a copy within a segment of its own', onDiskOnly: true, apply: ownSegment },
  { name: 'the last offset of a batch raised', apply: stretched },
  { name: 'a base offset raised', apply: (victim) => moved(victim, 1n) },
  { name: 'a base offset lowered', apply: (victim) => moved(victim, -1n) },
  { name: 'an index to the middle of nowhere', apply: indexAstray },
  { name: 'an index past a batch', apply: indexPast },
  { name: 'a time index that passes over records', onDiskOnly: true, apply: timesAstray },
  { name: 'an honest index', apply: honestIndex },
  { name: 'a checkpoint changed', ofCheckpoints: true, apply: checkpointChanged },
];

function batchOf({ root, topic, number }: Victim): StoredBatch {
  const batch = storedBatches(root, topic)[number];
  if (batch === undefined) throw new Error(`${topic} has no batch ${number}`);
  return batch;
}

function rangeOf({ header }: StoredBatch): NonNullable<Changed> {
  return { from: header.baseOffset, to: header.nextOffset };
}

function offsetIn(batch: StoredBatch, random: Random): bigint {
  const { from, to } = rangeOf(batch);
  return from + BigInt(random.whole(0, Number(to - from) - 1));
}

function onRecord(change: (log: TamperedLog, offset: bigint) => void) {
  return (victim: Victim): Changed => {
    const offset = offsetIn(batchOf(victim), victim.random);
    tamper(victim.root, victim.topic, 0, (log) => change(log, offset));
    return { from: offset, to: offset + 1n };
  };
}

function swapped(victim: Victim): Changed {
  const batch = batchOf(victim);
  const { from } = rangeOf(batch);
  tamper(victim.root, victim.topic, 0, (log) => log.swap(from, from + 1n));
  return { from, to: from + 2n };
}

function deletedBefore(victim: Victim): Changed {
  const { from, to } = rangeOf(batchOf(victim));
  tamper(victim.root, victim.topic, 0, (log) => log.deleteBefore(to));
  return { from, to };
}

function besideWithIndex(victim: Victim): Changed {
  const batch = batchOf(victim);
  const { from } = rangeOf(batch);
  const entry = offsetIn(batch, victim.random);
  putBeside(batch, forgedCopy(batch), from === 0n && entry === 0n ? 1n : entry);
  return rangeOf(batch);
}

function beside(victim: Victim): Changed {
  const batch = batchOf(victim);
  insert(batch.file, batch.position + batch.bytes.length, forgedCopy(batch));
  leadToItself(batch);
  return rangeOf(batch);
}

function twice(victim: Victim): Changed {
  const batch = batchOf(victim);
  repeat(batch);
  leadToItself(batch);
  return rangeOf(batch);
}

function copyAtEnd(victim: Victim): Changed {
  const batch = batchOf(victim);
  const { length } = readFileSync(batch.file);
  insert(batch.file, length, forgedCopy(batch));
  const { from, to } = rangeOf(batch);
  leadTo(batch.file, from === 0n ? 1n : from, length);
  return { from, to };
}

/** A segment between the others, named by the batch that it holds a copy of. */
function ownSegment(victim: Victim): Changed {
  const batch = batchOf(victim);
  const { from, to } = rangeOf(batch);
  const name = `${(from + 1n).toString().padStart(20, '0')}.log`;
  writeFileSync(join(dirname(batch.file), name), forgedCopy(batch));
  return { from, to };
}

/** Other clients go on behind what a batch claims to hold: the records of the next one are passed over. */
function stretched(victim: Victim): Changed {
  const batch = batchOf(victim);
  const following = storedBatches(victim.root, victim.topic)[victim.number + 1];
  // Behind the last batch there is nothing that it could hide.
  if (following === undefined) return twice(victim);
  const { nextOffset: to } = following.header;
  stretch(batch, to);
  return { from: rangeOf(batch).from, to };
}

/** The CRC does not cover it. */
function moved(victim: Victim, by: bigint): Changed {
  const batch = batchOf(victim);
  const { from, to } = rangeOf(batch);
  if (from + by < 0n) return moved(victim, 1n);
  edit(batch, (bytes) => bytes.writeBigInt64BE(from + by, 0));
  // Each of its records is at another offset now, one of them at none that it had.
  return by > 0n ? { from, to: to + by } : { from: from + by, to };
}

function indexAstray(victim: Victim): Changed {
  const batch = batchOf(victim);
  const { from, to } = rangeOf(batch);
  // Within the records, where no batch begins.
  leadTo(batch.file, to - 1n, batch.position + RECORDS_AT);
  return { from, to };
}

/** A seek to the batch is led behind it. */
function indexPast(victim: Victim): Changed {
  const batch = batchOf(victim);
  const following = storedBatches(victim.root, victim.topic)[victim.number + 1];
  if (following === undefined) return indexAstray(victim);
  const { from, to } = rangeOf(batch);
  leadTo(batch.file, to - 1n, following.position);
  return { from, to };
}

function timesAstray(victim: Victim): Changed {
  const batch = batchOf(victim);
  const { to } = rangeOf(batch);
  const base = BigInt(basename(batch.file, '.log'));
  const entry = Buffer.alloc(12);
  // Nothing before this offset is later than the year 1970, it says.
  entry.writeBigInt64BE(1n);
  entry.writeInt32BE(Number(to - base), 8);
  writeFileSync(batch.file.replace(/\.log$/, '.timeindex'), entry);
  return { from: to - 1n, to };
}

function honestIndex(victim: Victim): Changed {
  leadToItself(batchOf(victim));
  return null;
}

/** Without an index of many batches a broker makes one, and over a batch that is there twice it stops. */
function leadToItself(batch: StoredBatch): void {
  leadTo(batch.file, rangeOf(batch).to - 1n, batch.position);
}

function checkpointChanged({ root, topic, random }: Victim): Changed {
  const folder = `${topic}.checkpoints`;
  const batches = storedBatches(root, folder);
  const batch = batches[random.whole(0, batches.length - 1)];
  if (batch === undefined) throw new Error(`${folder} is empty`);
  tamper(root, folder, 0, (log) => log.changeByte(batch.header.baseOffset));
  return { from: 0n, to: 0n };
}
