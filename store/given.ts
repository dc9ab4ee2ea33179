/** What callers must give where the memory port's types say what it is. */
import { having } from '../ledger/given.js';
import type { Memory } from './memory.js';

export const memoryKind = having<Memory>('a memory (openMemory)', 'read', 'compareAndSet', 'list');
