import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRunInput } from '../../../../functions/resolve/run-input.ts'
import { executionName } from '../../../../functions/shared/start-run.ts'
import { readDelivery } from '../../../../functions/webhook/delivery.ts'

const EVENTS = ['push', 'delete', 'check_run', 'check_suite', 'installation', 'installation_target', 'ping']

/** Of the fields that mean something, any may be anything; those that do not may be there, too. */
const text = (...likely: string[]) => fc.oneof(fc.constantFrom(...likely), fc.string({ unit: 'binary' }))
const value = fc.oneof(
  text('a'.repeat(40), '0'.repeat(40), 'refs/heads/main', 'refs/tags/v1', 'main', 'branch', 'rerequested'),
  fc.constantFrom(null, true, 0),
)
const fields = (...names: string[]) =>
  fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] })
const payload = fc.record(
  {
    ref: text('refs/heads/main', 'refs/tags/v1', 'main'),
    after: text('a'.repeat(40), '0'.repeat(40)),
    deleted: fc.oneof(fc.boolean(), value),
    head_commit: fc.oneof(fc.constant(null), fc.record({ id: text('a'.repeat(40)) }), fields('id')),
    ref_type: text('branch', 'tag'),
    action: text('rerequested', 'created', 'suspend'),
    check_run: fc.record({ head_sha: text('a'.repeat(40)), external_id: text('refs/heads/main') }),
    check_suite: fc.record({
      head_sha: text('a'.repeat(40)),
      head_branch: fc.oneof(text('main'), fc.constant(null)),
    }),
    repository: fc.oneof(fc.record({ full_name: text('acme/shells') }), fields('full_name')),
  },
  { requiredKeys: [] },
)

test('whatever a delivery says, it is answered, and what it starts is a right input with a right name', () => {
  const kinds = new Set<string>()
  fc.assert(
    fc.property(fc.constantFrom(...EVENTS), payload, (event, document) => {
      const body = JSON.stringify(document)
      const answer = readDelivery(event, undefined, body)
      kinds.add(answer.kind)
      if (answer.kind !== 'run') return
      expect(parseRunInput(answer.input)).toEqual(answer.input)
      expect(executionName(answer.input.trigger, answer.input.repository, body)).toMatch(
        /^[A-Za-z0-9_-]{1,80}$/,
      )
    }),
    { numRuns: 5000 },
  )
  expect(kinds).toEqual(new Set(['run', 'ping', 'ignored', 'malformed']))
})

test('and so is every JSON that there is', () => {
  fc.assert(
    fc.property(fc.constantFrom(...EVENTS), fc.json(), (event, body) => {
      expect(['ping', 'ignored', 'malformed']).toContain(readDelivery(event, undefined, body).kind)
    }),
    { numRuns: 2000 },
  )
})
