import { describe, expect, test } from 'vitest'
import type { RegisteredApp } from '../../../local/github/github.ts'
import { tokenOf } from './app-token.ts'
import { acme, type Acme } from './forge-of-acme.ts'

const PERMISSIONS = { checks: 'write', statuses: 'write', contents: 'read' }

type Body = Record<string, unknown>

interface Reporter extends Acme {
  app: RegisteredApp
  create: (body: Body) => Promise<{ data: Body & { id: number } }>
  update: (id: number, body: Body) => Promise<{ data: Body }>
  post: (body: Body, sha?: string) => Promise<{ status: number }>
}

async function reporter(): Promise<Reporter> {
  const world = await acme()
  const app = world.github.createApp({ owner: 'acme', permissions: PERMISSIONS })
  const { id } = app.install('acme', 'all')
  const client = world.as(await tokenOf(world, app, id, {}))
  const ask = <T>(route: string, body: Body): Promise<T> => client(route, body) as Promise<T>
  const repository = '/repos/acme/shells'
  return {
    ...world,
    app,
    create: (body) =>
      ask(`POST ${repository}/check-runs`, { name: 'hearth', head_sha: world.second, ...body }),
    update: (run, body) => ask(`PATCH ${repository}/check-runs/${run}`, body),
    post: (body, sha = world.second) => ask(`POST ${repository}/statuses/${sha}`, body),
  }
}

const annotation = {
  path: 'flake.nix',
  start_line: 3,
  end_line: 3,
  annotation_level: 'failure',
  message: 'no',
}
const output = { title: 'shells', summary: 'two are warm' }

describe('a check run', () => {
  test('is made, changed and completed; everything that was said of it is kept', async () => {
    const { github, create, update, app, second } = await reporter()
    const { data } = await create({ status: 'in_progress', external_id: 'run-1', output })
    expect(data).toMatchObject({ status: 'in_progress', conclusion: null, app: { id: app.appId } })
    await update(data.id, { output: { ...output, annotations: [annotation] } })
    const ended = await update(data.id, {
      conclusion: 'success',
      output: { ...output, text: 'all', annotations: [annotation] },
    })
    expect(ended.data).toMatchObject({
      status: 'completed',
      conclusion: 'success',
      completed_at: expect.stringMatching(/Z$/),
      output: { ...output, text: 'all', annotations_count: 2 },
    })
    expect(github.checkRuns).toMatchObject([
      {
        repository: 'acme/shells',
        head_sha: second,
        external_id: 'run-1',
        annotations: [annotation, annotation],
        history: [{ status: 'in_progress' }, {}, { conclusion: 'success' }],
      },
    ])
  })

  test('goes on after a rerun', async () => {
    const { create, update } = await reporter()
    const { data } = await create({ conclusion: 'failure' })
    const { data: again } = await update(data.id, { status: 'in_progress' })
    expect(again).toMatchObject({ status: 'in_progress', conclusion: null, completed_at: null })
  })

  test('the newest of each name is listed', async () => {
    const { as, create, github } = await reporter()
    const token = github.createToken({ repositories: 'all', permissions: { checks: 'read' } })
    await create({ conclusion: 'failure' })
    const { data: newest } = await create({ conclusion: 'success' })
    await create({ name: 'other' })
    const list = (more: object): Promise<{ data: { total_count: number; check_runs: unknown[] } }> =>
      as(token)('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', { ref: 'main', ...more } as never)
    expect((await list({})).data).toMatchObject({ total_count: 2 })
    expect((await list({ filter: 'all' })).data).toMatchObject({ total_count: 3 })
    expect((await list({ check_name: 'hearth' })).data).toMatchObject({
      total_count: 1,
      check_runs: [{ id: newest.id, conclusion: 'success' }],
    })
  })

  test('is changed by nobody but its own App', async () => {
    const world = await reporter()
    const { data } = await world.create({})
    const other = world.github.createApp({ owner: 'acme', permissions: PERMISSIONS })
    const token = await tokenOf(world, other, other.install('acme', 'all').id, {})
    await expect(world.as(token)(`PATCH /repos/acme/shells/check-runs/${data.id}`, {})).rejects.toMatchObject(
      { status: 403, message: expect.stringContaining('GitHub App that created it') },
    )
  })

  test.each<[string, Body, string]>([
    ['of no commit', { head_sha: 'f'.repeat(40) }, 'No commit found for SHA'],
    ['without a name', { name: undefined }, "required property 'name'"],
    ['that is completed, and does not say how', { status: 'completed' }, '"conclusion" wasn\'t supplied'],
    ['with a conclusion that there is not', { conclusion: 'warm' }, 'conclusion must be equal to one of'],
    ['with a status that only Actions has', { status: 'waiting' }, 'Invalid request'],
    ['whose output has no title', { output: { summary: 'x' } }, "required property 'title'"],
    ['whose summary is too long', { output: { ...output, summary: 'x'.repeat(65_536) } }, '65535 characters'],
    ['whose text is too long', { output: { ...output, text: 'x'.repeat(65_536) } }, '65535 characters'],
    [
      'with more than fifty annotations',
      { output: { ...output, annotations: Array.from({ length: 51 }, () => annotation) } },
      '50 items',
    ],
    [
      'with an annotation that has no line',
      { output: { ...output, annotations: [{ ...annotation, start_line: undefined }] } },
      "required property 'start_line'",
    ],
    [
      'with an annotation of a level that there is not',
      { output: { ...output, annotations: [{ ...annotation, annotation_level: 'error' }] } },
      'annotation_level must be equal to one of',
    ],
    ['with a time that is none', { started_at: 'yesterday' }, 'date-time'],
  ])('%s is refused', async (_, body, words) => {
    const { create, github } = await reporter()
    await expect(create(body)).rejects.toMatchObject({ status: 422, message: expect.stringContaining(words) })
    expect(github.checkRuns).toEqual([])
  })

  test('with all that is allowed is taken', async () => {
    const { create, github } = await reporter()
    const annotations = Array.from({ length: 50 }, () => annotation)
    await create({
      output: { ...output, summary: 'x'.repeat(65_535), text: 'y'.repeat(65_535), annotations },
    })
    expect(github.checkRuns[0]?.annotations).toHaveLength(50)
  })
})

describe('a commit status', () => {
  test.each<[string, Body, string]>([
    ['with a state that there is not', { state: 'warm' }, 'state must be equal to one of'],
    ['without a state', {}, "required property 'state'"],
    ['with 141 characters', { state: 'success', description: 'x'.repeat(141) }, 'maximum is 140 characters'],
    ['that leads to no page', { state: 'success', target_url: 'file:///etc' }, 'http(s) scheme'],
  ])('%s is refused', async (_, body, words) => {
    const { post, github } = await reporter()
    const error = await post(body).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status: 422 })
    expect(JSON.stringify((error as { response: { data: unknown } }).response.data)).toContain(words)
    expect(github.statuses).toEqual([])
  })

  test('of no commit is refused', async () => {
    const { post } = await reporter()
    await expect(post({ state: 'success' }, 'f'.repeat(40))).rejects.toMatchObject({ status: 422 })
  })

  test('the thousand and first of one context is refused, of another context taken', async () => {
    const { post, github, second } = await reporter()
    const one = { repository: 'acme/shells', sha: second, state: 'pending' as const }
    const rest = { description: null, target_url: null, created_at: '2026-01-01T00:00:00Z' }
    for (let count = 0; count < 1000; count++)
      (github.statuses as object[]).push({ ...one, ...rest, context: 'hearth' })
    await expect(post({ state: 'success', context: 'hearth' })).rejects.toMatchObject({ status: 422 })
    expect(await post({ state: 'success', context: 'other' })).toMatchObject({ status: 201 })
  })
})
