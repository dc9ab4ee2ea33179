/**
 * Writes policy/ledger.schema.json, by which editors help with ledger.yaml, and the table of codes in
 * docs/doctor.md: `npm run generate`. What is generated is committed; a test holds it equal to what
 * this would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { withCodeTable } from './doctor/document.js';
import { configurationSchema } from './file/configuration.js';

/** JSON Schema draft 7, which editors' YAML support knows. It says what a field alone may hold. */
export function generate(): string {
  const schema = z.toJSONSchema(configurationSchema, { io: 'input', target: 'draft-7' });
  const described = {
    $schema: schema.$schema,
    title: 'ledger.yaml of Sealstream',
    ...schema,
  };
  return `${JSON.stringify(described, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = fileURLToPath(new URL('../../policy/ledger.schema.json', import.meta.url));
  writeFileSync(file, generate());
  const document = fileURLToPath(new URL('../../docs/doctor.md', import.meta.url));
  writeFileSync(document, withCodeTable(readFileSync(document, 'utf8')));
}
