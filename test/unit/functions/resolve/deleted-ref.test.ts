import { describe, expect, test } from 'vitest'
import { noteDeletion } from '../../../../functions/resolve/deleted-ref.ts'
import { gitHubClient } from '../../../../functions/shared/github/client.ts'
import { stateKeys } from '../../../../functions/shared/keys.ts'
import type { RepositoryConfig } from '../../../../functions/shared/parse-config.ts'
import { Buckets } from '../buckets.ts'
import { serve } from '../http-server.ts'
import { CONFIG } from './config.ts'

const HEAD = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
const [CONFIGURED] = CONFIG.repositories as [RepositoryConfig]
const REF = 'refs/heads/release/1'
const STARTED = '2026-03-12T19:00:00.000Z'

type Answers = 'lives' | 'gone' | 'hidden' | 'down'

/** What GitHub says of the ref, and how often it was asked. */
async function gitHub(answer: Answers): Promise<{ api: string; asked: string[] }> {
  const asked: string[] = []
  const api = await serve((request, response) => {
    asked.push(request.url ?? '')
    const isRef = request.url?.includes('/git/ref/') === true
    const status = answer === 'down' ? 503 : answer === 'hidden' || (isRef && answer === 'gone') ? 404 : 200
    const body = isRef ? { object: { type: 'commit', sha: HEAD } } : { full_name: 'acme/shells' }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  return { api, asked }
}

interface World {
  github: Answers
  /** when the newest run of the ref was started, if there was any */
  newest?: string
  /** since when it is on record as gone */
  since?: string
  ref?: string
}

async function delivered({ github, newest, since, ref = REF }: World) {
  const buckets = new Buckets()
  const key = `state/${stateKeys.deletedRef('acme/shells', ref)}`
  if (newest !== undefined)
    buckets.put(`state/${stateKeys.newestRun('acme/shells', ref)}`, {
      version: 1,
      run: 'r',
      commit: HEAD,
      started: newest,
    })
  const before = { version: 1, repository: 'acme/shells', ref, since, run: 'first' }
  if (since !== undefined) buckets.put(key, before)
  const { api, asked } = await gitHub(github)
  const reason = await noteDeletion(buckets.bucket('state'), gitHubClient({ api }), CONFIGURED, {
    ref,
    run: 'delete-acme-shells-1',
    started: STARTED,
  })
  return { reason, record: buckets.json(key), isWritten: buckets.written.includes(key), asked }
}

const EARLIER = '2026-03-12T12:00:00.000Z'
const LATER = '2026-03-12T13:00:00.000Z'

describe('the roots of a ref that is gone begin to expire', () => {
  test.each([
    ['one that was warmed', { newest: EARLIER }],
    ['one that is configured, of which no run is on record', {}],
    ['one that is not configured any more', { ref: 'refs/heads/old', newest: EARLIER }],
    ['a tag', { ref: 'refs/tags/v1', newest: EARLIER }],
    ['one that was gone before, and had come back', { newest: LATER, since: EARLIER }],
  ])('%s', async (_, world) => {
    const { reason, record } = await delivered({ github: 'gone', ...world })
    const ref = 'ref' in world ? world.ref : REF
    expect(record).toEqual({
      version: 1,
      repository: 'acme/shells',
      ref,
      since: STARTED,
      run: 'delete-acme-shells-1',
    })
    expect(reason).toBe(`${ref} of acme/shells is gone: its roots begin to expire, unless it comes back`)
  })
})

describe('otherwise nothing is written', () => {
  const cases: [string, World, string][] = [
    [
      'the delivery is late or replayed, and the ref lives',
      { github: 'lives', newest: EARLIER },
      `lives, at ${HEAD}`,
    ],
    [
      'it lives again after it was gone',
      { github: 'lives', newest: LATER, since: EARLIER },
      `lives, at ${HEAD}`,
    ],
    ['GitHub does not show the repository', { github: 'hidden', newest: EARLIER }, 'GitHub does not show'],
    [
      'it is on record already: it does not begin again',
      { github: 'gone', newest: EARLIER, since: LATER },
      `has been gone since ${LATER}`,
    ],
    [
      'nothing of it was kept warm',
      { github: 'gone', ref: 'refs/heads/feature' },
      'nothing of refs/heads/feature in acme/shells was kept warm',
    ],
  ]
  test.each(cases)('%s', async (_, world, words) => {
    const { reason, isWritten } = await delivered(world)
    expect(isWritten).toBe(false)
    expect(reason).toContain(words)
  })

  test('and GitHub is not asked about the branch of every merged pull request', async () => {
    expect((await delivered({ github: 'gone', ref: 'refs/heads/feature' })).asked).toEqual([])
  })
  test('a GitHub that does not answer is asked again later', async () => {
    await expect(delivered({ github: 'down', newest: EARLIER })).rejects.toMatchObject({
      name: 'GitHubUnavailable',
      retryable: true,
    })
  })
})
