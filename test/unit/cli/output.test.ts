import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { printable, toJson } from '../../../cli/output.js';
import { isAbsent } from '../../../cli/session.js';
import { renderReport } from '../../../cli/verify-report.js';
import { finding } from '../../../consumer/verdict.js';
import { report } from '../../../consumer/verify/report.js';
import { withoutSecrets } from '../../../stream/open.js';

test('control characters are shown as what they are, all but line feeds and tabs', () => {
  const text = '\u001b]0;title\u0007 a\r\u007f\u0085\u009b31m\n\tÄ 日本 🙂';
  const shown = '\\u001b]0;title\\u0007 a\\u000d\\u007f\\u0085\\u009b31m\n\tÄ 日本 🙂';
  assert.equal(printable(text), shown);
});

test('every control that acts is shown, and JSON stays the same JSON', () => {
  const acting: string[] = [];
  for (let code = 0; code < 0x10_000; code += 1) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const character = String.fromCharCode(code);
    const acts =
      /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u.test(character) && !'\n\t'.includes(character);
    assert.equal(printable(character) !== character, acts, code.toString(16));
    if (acts) acting.push(character);
  }
  const value = { [acting.join('')]: [acting.join('\\'), '🙂', acting.join('"')] };
  const json = printable(toJson(value));
  assert.deepEqual(JSON.parse(json), value);
  assert.doesNotMatch(json, /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
});

test('a finding cannot repaint the report that it stands in', () => {
  const rendered = renderReport(
    report('a.example', 0, [
      {
        origin: null,
        topic: 'audit',
        partition: 0,
        verdict: 'tampered',
        sealed: null,
        verified: { records: 0n, checkpoints: 0 },
        unsealed: { records: 0n },
        findings: [finding('checkpoint-malformed', 'no\u001b[2Jtice')],
      },
    ]),
    true,
    false,
  );
  assert.ok(rendered.includes('no\\u001b[2Jtice'), rendered);
});

test('of a URL only scheme and host are repeated', () => {
  assert.equal(withoutSecrets('https://bob:secret@h'), 'https://h');
  assert.equal(withoutSecrets('ftp://bob:se/cr@et@h:21/path?key=secret'), 'ftp://h:21');
  assert.equal(withoutSecrets('bob:secret@h'), 'h');
  assert.equal(withoutSecrets('/data'), '/data');
});

test('only what is not there is absent', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-absent-'));
  context.after(() => rmSync(folder, { recursive: true }));
  assert.equal(isAbsent(folder), false);
  assert.equal(isAbsent(join(folder, 'x')), true);
  assert.equal(isAbsent(join(folder, 'x'.repeat(300))), false, 'cannot be told');
});
