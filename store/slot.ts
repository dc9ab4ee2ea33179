import { SealstreamError } from '../ledger/error.js';
import { parseOrigin } from '../ledger/origin.js';
import { quote } from '../ledger/text.js';
import type { Memory, MemoryKey, MemoryRecord, MemorySlot } from './memory.js';

/**
 * Why the record is none of the slot that it stands in; null: it is. A slot is found by its key, and
 * speaks of the log that its record names: where somebody has renamed the key, or put another slot's
 * record there, one log would be held against what was signed of another.
 */
export function misplaced(key: MemoryKey, record: MemoryRecord): string | null {
  const place = `${key.ledger}/${key.topic}/${key.partition}`;
  for (const { origin } of [record, ...record.retired]) {
    if (isOf(key, origin)) continue;
    return (
      `the memory's slot ${place} holds a record of ${quote(origin)}: its key was renamed, or the ` +
      'record is of another memory; restore it from a copy'
    );
  }
  return null;
}

function isOf({ ledger, topic, partition }: MemoryKey, origin: string): boolean {
  try {
    const named = parseOrigin(origin);
    return named.ledger === ledger && named.topic === topic && named.partition === partition;
  } catch (error) {
    if (error instanceof SealstreamError && error.code === 'malformed') return false;
    throw error;
  }
}

/** As `memory.read`; throws `malformed` where the record is none of the key's. */
export async function readSlot(memory: Memory, key: MemoryKey): Promise<MemorySlot | null> {
  const slot = await memory.read(key);
  const problem = slot === null ? null : misplaced(key, slot.record);
  if (problem === null) return slot;
  throw new SealstreamError('malformed', problem);
}
