/**
 * The verifier's own memory: what it last accepted of each log. It is what tells a log that was
 * rolled back together with its checkpoints from a younger one.
 */
import { type Checkpoint, openCheckpoint } from '../ledger/checkpoint.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import { type Origin, parseOrigin } from '../ledger/origin.js';
import type { Memory, MemoryKey, MemoryRecord, RememberedCheckpoint } from '../store/memory.js';
import { misplaced } from '../store/slot.js';
import { findingOf } from './failure.js';
import type { History, Signed } from './history.js';
import { IN_MEMORY } from './signed-checkpoints.js';
import { type Finding, finding } from './verdict.js';

/** What is remembered of one partition; `checkpoint` null: nothing that could be rolled back. */
export interface Remembered {
  /** null: it is no record of this partition's. */
  readonly origin: Origin | null;
  readonly checkpoint: Checkpoint | null;
  readonly evidence: RememberedCheckpoint | null;
  /** Why what is remembered cannot be used. */
  readonly problem: Finding | null;
  /** What was signed last of the logs that this one replaced. */
  readonly retired: readonly RetiredLog[];
}

interface RetiredLog {
  readonly checkpoint: Checkpoint;
  readonly note: string;
}

/** All that is remembered of a ledger's topic, by partition. Throws `malformed` on a broken memory. */
export async function remember(
  memory: Memory | undefined,
  ledger: string,
  topic: string,
  publicKey: PublicKey,
): Promise<ReadonlyMap<number, Remembered>> {
  const remembered = new Map<number, Remembered>();
  if (memory === undefined) return remembered;
  for (const { key, slot } of await memory.list(ledger)) {
    if (key.topic === topic) remembered.set(key.partition, open(key, slot.record, publicKey));
  }
  return remembered;
}

function open(key: MemoryKey, record: MemoryRecord, publicKey: PublicKey): Remembered {
  const unusable = misplaced(key, record);
  if (unusable !== null) {
    const problem = finding('unreadable', unusable);
    return { origin: null, checkpoint: null, evidence: null, problem, retired: [] };
  }
  const origin = parseOrigin(record.origin);
  const evidence = record.checkpoint;
  const retired = record.retired.flatMap((log) => openRetired(log, publicKey));
  const nothing = { origin, checkpoint: null, evidence: null, problem: null, retired };
  if (evidence === null) return nothing;
  try {
    const checkpoint = openCheckpoint(evidence.note, record.origin, publicKey);
    return { ...nothing, checkpoint, evidence };
  } catch (error) {
    const { message } = findingOf(error);
    const problem = finding('wrong-key', `the memory's checkpoint of ${record.origin}: ${message}`);
    return { ...nothing, problem };
  }
}

/** Nothing where none was signed, or by another key: then it was never this verifier's business. */
function openRetired(
  { origin, note }: MemoryRecord['retired'][number],
  publicKey: PublicKey,
): RetiredLog[] {
  if (note === null) return [];
  try {
    return [{ checkpoint: openCheckpoint(note, origin, publicKey), note }];
  } catch (error) {
    if (error instanceof SealstreamError && error.class === 'data') return [];
    throw error;
  }
}

/** Makes the remembered checkpoints points of their logs: they bind like any other. */
export function addRemembered(history: History, all: ReadonlyMap<number, Remembered>): void {
  const place = (): string => 'what was accepted before';
  for (const { origin, checkpoint, evidence, retired } of all.values()) {
    for (const log of retired) {
      history.opened = true;
      const signed = { ...log, evidence: null };
      history.addSigned(parseOrigin(log.checkpoint.origin), signed, IN_MEMORY, place);
    }
    if (origin === null || checkpoint === null || evidence === null) continue;
    history.opened = true;
    history.addSigned(origin, { checkpoint, note: evidence.note, evidence }, IN_MEMORY, place);
  }
}

/** Whether the stream shows less than was accepted before. */
export function findRollback(
  place: string,
  topicId: string | null,
  remembered: Remembered | undefined,
  head: Checkpoint | null,
): Finding | null {
  const accepted = remembered?.checkpoint;
  if (remembered === undefined || accepted === undefined || accepted === null) return null;
  // A sealer's memory holds what it is about to publish; only what was published can be taken back.
  if (remembered.evidence?.published !== true) return null;
  if (topicId !== null && remembered.origin?.topicId !== topicId) return null;
  const behind =
    head === null ||
    head.size < accepted.size ||
    (head.size === accepted.size && head.time < accepted.time);
  if (!behind) return null;
  const from = head?.next ?? accepted.first;
  const shown = head === null ? 'no checkpoint' : `one of size ${head.size}`;
  return finding(
    'rolled-back',
    `${place}: a checkpoint of size ${accepted.size}, signed at ${new Date(accepted.time).toISOString()}, ` +
      `was accepted before; the stream now shows ${shown}`,
    from < accepted.next ? from : null,
    from < accepted.next ? accepted.next : null,
  );
}

const ATTEMPTS = 5;

/** Remembers an accepted head, unless another verifier was further meanwhile. Never goes back. */
export async function accept(
  memory: Memory,
  key: MemoryKey,
  head: Signed,
  publicKey: PublicKey,
): Promise<void> {
  const { checkpoint, note, evidence } = head;
  if (evidence === null) return;
  const { last, frontier } = evidence;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const slot = await memory.read(key);
    const held = slot === null ? null : open(key, slot.record, publicKey);
    if (held !== null && !mayReplace(checkpoint, held)) return;
    const record: MemoryRecord = {
      origin: checkpoint.origin,
      first: checkpoint.first,
      checkpoint: { note, last, frontier, published: true },
      retired: slot?.record.retired ?? [],
    };
    if ((await memory.compareAndSet(key, slot?.version ?? null, record)) !== null) return;
  }
}

/** Another log's checkpoint is replaced only where it held nothing that could be lost. */
function mayReplace(checkpoint: Checkpoint, held: Remembered): boolean {
  if (held.problem !== null) return false;
  const old = held.checkpoint;
  if (old === null) return true;
  if (old.origin !== checkpoint.origin) return old.size === 0n;
  return checkpoint.size > old.size || (checkpoint.size === old.size && checkpoint.time > old.time);
}
