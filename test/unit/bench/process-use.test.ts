import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUse, useOf } from '../../../bench/harness/process-use.js';

const STATUS = 'Name:\tjava\nVmPeak:\t 9000 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n';
const STAT = '42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 7 8 20 0 30 0 999';

test('peak memory and processor time of a process whose name looks like more fields', () => {
  assert.deepEqual(parseUse(STATUS, STAT), { cpuSeconds: 2, peakRssBytes: 2048 * 1024 });
});

test('a process that has ended says nothing', () => {
  assert.equal(parseUse('Name:\tjava\nState:\tZ (zombie)\n', STAT), null);
  assert.equal(parseUse(STATUS, ''), null);
});

test('this process has used memory', { skip: process.platform !== 'linux' }, () => {
  assert.ok((useOf('self')?.peakRssBytes ?? 0) >= process.memoryUsage().rss / 2);
});
