import type { Memory, MemoryKey, MemoryRecord } from '../../store/memory.js';
import type { MadeLedger, Sealed } from './made-ledger.js';

/** What a verifier that accepted this checkpoint of partition 0 holds. */
export function recordOf({ checkpoint, note, last, frontier }: Sealed): MemoryRecord {
  const { origin, first } = checkpoint;
  return { origin, first, checkpoint: { note, last, frontier, published: true }, retired: [] };
}

export function keyOf({ ledger, topic }: MadeLedger): MemoryKey {
  return { ledger, topic, partition: 0 };
}

/** Holds the checkpoint, and takes nothing later: a case is verified several times. */
export function standingMemory(made: MadeLedger, accepted: Sealed): Memory {
  const slot = { record: recordOf(accepted), version: new Uint8Array(1) };
  return {
    read: async () => slot,
    list: async () => [{ key: keyOf(made), slot }],
    compareAndSet: async () => null,
    close: async () => {},
  };
}
