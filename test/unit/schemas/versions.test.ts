import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { incompatibilities } from '../../../schemas/compatibility.js';
import { canonicalForm, fingerprint } from '../../../schemas/fingerprint.js';
import { generate, historyFiles } from '../../../schemas/generate.js';
import { SCHEMA_VERSIONS } from '../../../schemas/generated.js';
import { parseModel } from '../../../schemas/model.js';

const folder = fileURLToPath(new URL('../../../../schemas/', import.meta.url));
const current = readFileSync(`${folder}AuditEvent.avsc`, 'utf8');

type Field = { name: string; type: unknown; default?: unknown };
type Schema = { fields: Field[] };

/** The current schema after `change`, as JSON text. */
function changed(change: (fields: Field[]) => void): string {
  const schema = JSON.parse(current) as Schema;
  change(schema.fields);
  return JSON.stringify(schema);
}

function field(fields: Field[], name: string): Field {
  const found = fields.find((one) => one.name === name);
  assert.ok(found);
  return found;
}

test('generated.ts is what the schemas generate: run `npm run generate`', () => {
  assert.equal(readFileSync(`${folder}generated.ts`, 'utf8'), generate(folder));
});

test('what was published stays readable: the versions of history never change', () => {
  const names = historyFiles(folder).map((file) => {
    const name = fingerprint(canonicalForm(readFileSync(file, 'utf8')));
    return [basename(file), Buffer.from(name).toString('hex')];
  });
  assert.deepEqual(names, [['AuditEvent.v1.avsc', '1cf1249ab184e7f3']]);
});

test('every version reads every other one', () => {
  const texts = [...historyFiles(folder).map((file) => readFileSync(file, 'utf8')), current];
  assert.ok(texts.length >= 2);
  assert.deepEqual(incompatibilities(texts), []);
  assert.deepEqual(incompatibilities(SCHEMA_VERSIONS), []);
});

test('a change that some version cannot read is found, in both directions', () => {
  const breaking: Record<string, (fields: Field[]) => void> = {
    'a field without default added': (fields) => fields.push({ name: 'extra', type: 'string' }),
    'a field without default removed': (fields) => fields.splice(0, 1),
    'a type changed': (fields) => {
      field(fields, 'tenant_id').type = 'long';
      field(fields, 'tenant_id').default = 0;
    },
    'a field renamed': (fields) => {
      field(fields, 'action').name = 'verb';
    },
    'a field made nullable': (fields) => {
      field(fields, 'action').type = ['null', 'string'];
    },
    'a logical type changed': (fields) => {
      field(fields, 'occurred_at').type = { type: 'long', logicalType: 'timestamp-millis' };
    },
  };
  for (const [name, change] of Object.entries(breaking)) {
    assert.notDeepEqual(incompatibilities([current, changed(change)]), [], name);
    assert.notDeepEqual(incompatibilities([changed(change), current]), [], name);
  }
});

test('a field with a default may come, and go again later', () => {
  const added = changed((fields) => fields.push({ name: 'extra', type: 'string', default: '' }));
  assert.deepEqual(incompatibilities([current, added, current]), []);
});

test('Avro that the scanner cannot bound is refused', () => {
  for (const type of [
    'null',
    ['string', 'null'],
    'float',
    'Elsewhere',
    ['null', 'string', 'int'],
  ]) {
    const schema = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'a', type }] });
    assert.throws(() => parseModel(schema), /Avro schema at schema\/a/);
  }
  assert.throws(() => parseModel('{"type":"record","name":"R","fields":[]}'), /needs fields/);
});
