import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokerFaults, connectionFaults, processFaults } from '../../../bench/chaos/schedule.js';

function first<T>(faults: Iterator<T, never>, count: number): T[] {
  return Array.from({ length: count }, () => faults.next().value);
}

const MANY = 2000;

test('one seed makes the same faults, another makes others', () => {
  for (const faults of [brokerFaults, connectionFaults]) {
    assert.deepEqual(first<unknown>(faults(7, 3), MANY), first<unknown>(faults(7, 3), MANY));
    assert.notDeepEqual(first<unknown>(faults(7, 3), 20), first<unknown>(faults(8, 3), 20));
  }
  assert.deepEqual(first(processFaults(7), MANY), first(processFaults(7), MANY));
});

test('every kind comes, on every broker and role, shorter and longer than the sessions', () => {
  const brokers = first(brokerFaults(1, 3), MANY);
  assert.deepEqual(new Set(brokers.map(({ kind, broker }) => `${kind} ${broker}`)).size, 3 * 3);
  const freezes = brokers.filter(({ kind }) => kind === 'freeze').map(({ forMs }) => forMs);
  assert.ok(Math.min(...freezes) < 4000 && Math.max(...freezes) > 4000);
  assert.equal(new Set(first(connectionFaults(1, 3), MANY).map(({ kind }) => kind)).size, 8);
  const processes = first(processFaults(1), MANY);
  assert.equal(new Set(processes.map(({ kind, role }) => `${kind} ${role}`)).size, 4);
  const stops = processes.filter(({ kind }) => kind === 'freeze').map(({ forMs }) => forMs);
  assert.ok(Math.min(...stops) < 10_000 && Math.max(...stops) > 10_000);
});
