import { SealstreamError } from '../ledger/error.js';
import { openMemory } from '../store/folder.js';
import type { Memory } from '../store/memory.js';

/** null: there is none, which is the state of every log then. */
export async function openExisting(path: string): Promise<Memory | null> {
  try {
    return await openMemory(path, { readOnly: true });
  } catch (error) {
    if (error instanceof SealstreamError && error.code === 'memory-missing') return null;
    throw error;
  }
}
