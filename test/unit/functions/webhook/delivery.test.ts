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

  // whether a tag is configured is for Resolve to say
  test.each([
    ['of a tag', COMMIT],
    ['of an annotated tag: what it points at, and not the object that it is', 'b'.repeat(40)],
  ])('%s', (_, after) => {
    const push = { ...PUSH, ref: 'refs/tags/v1.0', after, head_commit: { id: COMMIT } }
    expect(read(push)).toMatchObject({ kind: 'run', input: { ref: 'refs/tags/v1.0', commit: COMMIT } })
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

describe('a deletion starts a run, which asks GitHub whether it is true', () => {
  test.each([
    ['branch', 'main', 'refs/heads/main'],
    ['branch', 'feature/new-shell', 'refs/heads/feature/new-shell'],
    ['branch', 'refs/heads/odd', 'refs/heads/refs/heads/odd'],
    ['tag', 'v1.0', 'refs/tags/v1.0'],
  ])('of the %s %s', (ref_type, ref, full) => {
    expect(read({ ref, ref_type, repository: PUSH.repository }, 'delete')).toEqual({
      kind: 'run',
      input: {
        trigger: 'delete',
        repository: 'acme/shells',
        ref: full,
        delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      },
    })
  })
})

describe('Re-run on GitHub’s page starts a run that tries again what failed', () => {
  const check = { head_sha: COMMIT, external_id: 'refs/heads/main' }
  const suite = { head_sha: COMMIT, head_branch: 'main' }
  const rerun = (ref: string) => ({
    kind: 'run',
    input: {
      trigger: 'rerun',
      repository: 'acme/shells',
      ref,
      commit: COMMIT,
      retryFailed: true,
      delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    },
  })
  const { repository } = PUSH
  const ask = (action: string, event: string, what: object) => read({ action, repository, ...what }, event)

  test.each([
    ['a check of a branch', 'check_run', { check_run: check }, 'refs/heads/main'],
    [
      'a check of a tag',
      'check_run',
      { check_run: { ...check, external_id: 'refs/tags/v1' } },
      'refs/tags/v1',
    ],
    ['all checks of a branch', 'check_suite', { check_suite: suite }, 'refs/heads/main'],
  ])('%s', (_, event, what, ref) => {
    expect(ask('rerequested', event, what)).toEqual(rerun(ref))
  })

  const foreign = 'this check run is none of Hearth’s'
  test.each([
    [
      'a check that somebody else made',
      'check_run',
      { check_run: { ...check, external_id: 'build-17' } },
      foreign,
    ],
    ['a check without an external id', 'check_run', { check_run: { ...check, external_id: '' } }, foreign],
    [
      'a check whose external id is null',
      'check_run',
      { check_run: { ...check, external_id: null } },
      foreign,
    ],
    [
      'all checks of a fork',
      'check_suite',
      { check_suite: { ...suite, head_branch: null } },
      'GitHub names no branch for this check suite: re-run its check instead',
    ],
  ])('not %s', (_, event, what, reason) => {
    expect(ask('rerequested', event, what)).toEqual({ kind: 'ignored', reason })
  })

  test.each(['created', 'completed', 'requested_action', 'requested'])('not the action %s', (action) => {
    for (const [event, what] of [
      ['check_run', { check_run: check }],
      ['check_suite', { check_suite: suite }],
    ] as const)
      expect(ask(action, event, what)).toEqual({
        kind: 'ignored',
        reason: `nothing is started by the action "${action}" of ${event}`,
      })
  })
})

describe('the installation of the App', () => {
  test.each([
    ['installation', 'created', 'the App is installed', false],
    ['installation', 'deleted', 'the App was uninstalled', true],
    ['installation', 'suspend', 'the App was suspended', true],
    ['installation', 'unsuspend', 'the App is no longer suspended', false],
    ['installation', 'new_permissions_accepted', 'the App has the permissions', false],
    ['installation', 'an action of tomorrow', 'it changes nothing for Hearth', false],
    ['installation_repositories', 'added', 'the App sees more repositories', false],
    ['installation_repositories', 'removed', 'the App sees fewer repositories', true],
    ['installation_target', 'renamed', 'an account has another name', true],
  ])('%s %s is told what it means: %s; a warning: %s', (event, action, words, isWarning) => {
    const answer = read({ action }, event)
    expect(answer).toMatchObject({ kind: 'ignored', reason: expect.stringContaining(words) as string })
    expect('warning' in answer).toBe(isWarning)
  })
})

describe('what starts nothing is politely ignored', () => {
  test.each([
    [
      'a push that deletes a branch',
      'push',
      { ...PUSH, after: '0'.repeat(40) },
      'refs/heads/main was deleted: the event delete says so, too',
    ],
    [
      'a push that deletes a tag',
      'push',
      { ...PUSH, ref: 'refs/tags/v1', after: '0'.repeat(40), deleted: true, head_commit: null },
      'refs/tags/v1 was deleted: the event delete says so, too',
    ],
    [
      'a push that says that it deletes',
      'push',
      { ...PUSH, deleted: true },
      'refs/heads/main was deleted: the event delete says so, too',
    ],
    [
      'a tag of something that is no commit',
      'push',
      { ...PUSH, ref: 'refs/tags/v1', head_commit: null },
      'refs/tags/v1 points at no commit',
    ],
    [
      'a branch that was created: its push comes, too',
      'create',
      { ref: 'main', ref_type: 'branch', repository: PUSH.repository },
      'nothing is started by the event "create"',
    ],
    ['an event called like a method', 'constructor', PUSH, 'nothing is started by the event "constructor"'],
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

  const { repository } = PUSH
  const check = { head_sha: COMMIT, external_id: 'refs/heads/main' }
  test.each([
    [
      'a tag without its commit',
      'push',
      { ...PUSH, ref: 'refs/tags/v1', head_commit: undefined },
      'head_commit',
    ],
    ['a deletion without its ref', 'delete', { ref_type: 'tag', repository }, 'ref'],
    ['a deletion of something else', 'delete', { ref: 'x', ref_type: 'repository', repository }, 'ref_type'],
    ['a check without its action', 'check_run', { check_run: check, repository }, 'action'],
    [
      'a check without its repository',
      'check_run',
      { action: 'rerequested', check_run: check },
      'repository',
    ],
    [
      'a check of an odd commit',
      'check_run',
      { action: 'rerequested', check_run: { ...check, head_sha: '--upload-pack=x' }, repository },
      'check_run.head_sha',
    ],
    ['a suite that is none', 'check_suite', { action: 'rerequested', repository }, 'check_suite'],
    ['an installation without its action', 'installation', {}, 'action'],
  ])('%s', (_, event, payload, fields) => {
    expect(read(payload, event)).toEqual({
      kind: 'malformed',
      reason: `this ${event} event lacks what a ${event} event has: ${fields}`,
    })
  })
})
