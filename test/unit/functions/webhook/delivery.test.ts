import { createRequire } from 'node:module'
import type { WebhookDefinition } from '@octokit/webhooks-examples'
import { describe, expect, test } from 'vitest'
import { readDelivery } from '../../../../functions/webhook/delivery.ts'

const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
const PUSH = { ref: 'refs/heads/main', after: COMMIT, repository: { full_name: 'acme/shells' } }

const read = (payload: unknown, event = 'push') =>
  readDelivery(event, '72d3162e-cc78-11e3-81ab-4c9367dc0958', JSON.stringify(payload))

describe('a push starts a run', () => {
  test.each([
    ['to a branch', 'refs/heads/main'],
    ['to a branch with slashes', 'refs/heads/feature/new-shell'],
    // whether a tag is configured is for Resolve to say
    ['of a tag', 'refs/tags/v1.0'],
  ])('%s', (_, ref) => {
    expect(read({ ...PUSH, ref })).toEqual({
      kind: 'run',
      input: {
        trigger: 'push',
        repository: 'acme/shells',
        ref,
        commit: COMMIT,
        delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      },
    })
  })

  test('without a delivery id, too', () => {
    expect(readDelivery('push', undefined, JSON.stringify(PUSH))).toEqual({
      kind: 'run',
      input: { trigger: 'push', repository: 'acme/shells', ref: 'refs/heads/main', commit: COMMIT },
    })
  })

  test('and nothing else of the payload travels on', () => {
    const delivery = read({
      ...PUSH,
      pusher: { email: 'octocat@github.com' },
      commits: [{ message: 'secret' }],
    })
    expect(JSON.stringify(delivery)).not.toMatch(/octocat|secret/)
  })
})

describe('what starts nothing is politely ignored', () => {
  test.each([
    ['a deleted branch', 'push', { ...PUSH, after: '0'.repeat(40) }, 'refs/heads/main was deleted'],
    [
      'a deleted tag',
      'push',
      { ...PUSH, ref: 'refs/tags/v1', after: '0'.repeat(40) },
      'refs/tags/v1 was deleted',
    ],
    ['a pull request', 'pull_request', PUSH, 'nothing is started by the event "pull_request"'],
    ['an event that is not even JSON', 'star', undefined, 'nothing is started by the event "star"'],
    [
      'an event whose name is too long to repeat',
      'x'.repeat(1000),
      PUSH,
      `nothing is started by the event "${'x'.repeat(40)}"`,
    ],
  ])('%s', (_, event, payload, reason) => {
    expect(read(payload, event)).toEqual({ kind: 'ignored', reason })
  })

  test('a ping is answered', () => {
    expect(read({ zen: 'Keep it logically awesome.' }, 'ping')).toEqual({ kind: 'ping' })
  })
})

describe('what cannot be read says what is wrong with it', () => {
  test.each([
    ['nothing', ''],
    ['a form instead of JSON', 'payload=%7B%22ref%22%3A'],
    ['JSON that is cut short', JSON.stringify(PUSH).slice(0, -5)],
  ])('%s', (_, body) => {
    expect(readDelivery('push', undefined, body)).toEqual({
      kind: 'malformed',
      reason: 'the body is not JSON: set the content type of the webhook to application/json',
    })
  })

  test.each([
    ['no object', null, '(top)'],
    ['no ref', { ...PUSH, ref: undefined }, 'ref'],
    ['a ref that is none', { ...PUSH, ref: 'main' }, 'ref'],
    ['no commit', { ...PUSH, after: undefined }, 'after'],
    ['a commit that is too short', { ...PUSH, after: COMMIT.slice(1) }, 'after'],
    ['a commit in capitals', { ...PUSH, after: COMMIT.toUpperCase() }, 'after'],
    ['no repository', { ...PUSH, repository: undefined }, 'repository'],
    ['a repository without a name', { ...PUSH, repository: {} }, 'repository.full_name'],
    [
      'a repository whose name is a path',
      { ...PUSH, repository: { full_name: 'acme/../x' } },
      'repository.full_name',
    ],
    ['several faults', { repository: { full_name: 1 } }, 'ref, after, repository.full_name'],
  ])('%s', (_, payload, fields) => {
    expect(read(payload)).toEqual({
      kind: 'malformed',
      reason: `this push event lacks what a push event has: ${fields}`,
    })
  })
})

// What GitHub really sends, as it is published with octokit.
const definitions = createRequire(import.meta.url)(
  '@octokit/webhooks-examples/api.github.com/index.json',
) as WebhookDefinition[]
const realPayloads = definitions.flatMap(({ name, examples }) =>
  examples.map((example, index): [event: string, index: number, payload: unknown] => [
    name as string,
    index,
    example,
  ]),
)

describe("GitHub's own examples", () => {
  test('there are pushes and pings among them', () => {
    expect(realPayloads.filter(([event]) => event === 'push').length).toBeGreaterThanOrEqual(6)
    expect(realPayloads.filter(([event]) => event === 'ping').length).toBeGreaterThanOrEqual(1)
  })

  test.each(realPayloads.filter(([event]) => event === 'push'))('%s %i', (event, _, payload) => {
    const { ref, after, repository } = payload as {
      ref: string
      after: string
      repository: { full_name: string }
    }
    expect(read(payload, event)).toEqual(
      /^0+$/.test(after)
        ? { kind: 'ignored', reason: `${ref} was deleted` }
        : {
            kind: 'run',
            input: {
              trigger: 'push',
              repository: repository.full_name,
              ref,
              commit: after,
              delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
            },
          },
    )
  })

  test.each(realPayloads.filter(([event]) => event !== 'push'))('%s %i', (event, _, payload) => {
    expect(read(payload, event).kind).toBe(event === 'ping' ? 'ping' : 'ignored')
  })
})
