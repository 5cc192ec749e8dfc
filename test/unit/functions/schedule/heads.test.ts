import { describe, expect, test } from 'vitest'
import { headsOf } from '../../../../functions/schedule/heads.ts'
import { gitHubClient } from '../../../../functions/shared/github/client.ts'
import { fakeGitHub, shaOf } from './fake-github.ts'

const heads = async (
  refs: string[],
  tags: string[],
  gitHub: Parameters<typeof fakeGitHub>[0],
): Promise<{ found: Record<string, string>; asked: string[] }> => {
  const { api, asked } = await fakeGitHub(gitHub)
  const found = await headsOf(gitHubClient({ api }), { name: 'acme/shells', refs, tags })
  return {
    found: Object.fromEntries(found),
    asked: asked.map((url) => url.replace('/repos/acme/shells', '')),
  }
}
const named = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

describe('the branches and tags that hearth.yml names and GitHub has', () => {
  test('a few branches are asked for by name', async () => {
    expect(await heads(['main', 'dev'], [], { branches: ['main', 'dev', 'other'] })).toEqual({
      found: { 'refs/heads/main': shaOf('main'), 'refs/heads/dev': shaOf('dev') },
      asked: ['/git/ref/heads/main', '/git/ref/heads/dev'],
    })
  })
  test('a branch that is not there is left out, once GitHub has shown that the repository is', async () => {
    expect(await heads(['main', 'typo'], [], { branches: ['main'] })).toEqual({
      found: { 'refs/heads/main': shaOf('main') },
      asked: ['/git/ref/heads/main', '/git/ref/heads/typo', ''],
    })
  })
  test.each([
    ['a pattern', ['main', 'release/*']],
    ['many names', ['main', 'release/1', 'release/2', 'release/3']],
  ])('%s: they are listed, and those that are not configured left out', async (_, refs) => {
    const branches = ['main', 'release/1', 'feature']
    expect(await heads(refs, [], { branches })).toEqual({
      found: { 'refs/heads/main': shaOf('main'), 'refs/heads/release/1': shaOf('release/1') },
      asked: ['/branches?page=1&per_page=100'],
    })
  })
  test.each([
    [0, 1],
    [99, 1],
    [100, 2],
    [101, 2],
    [250, 3],
  ])('%i branches are %i pages', async (count, pages) => {
    const { found, asked } = await heads(['**'], [], { branches: named('b', count) })
    expect(Object.keys(found)).toEqual(named('refs/heads/b', count))
    expect(asked).toEqual(
      Array.from({ length: pages }, (_, index) => `/branches?page=${index + 1}&per_page=100`),
    )
  })
  test('tags are listed when they are configured, by what they point at', async () => {
    expect(await heads(['main'], ['v*'], { branches: ['main'], tags: ['v1', 'nightly'] })).toEqual({
      found: { 'refs/heads/main': shaOf('main'), 'refs/tags/v1': shaOf('v1') },
      asked: ['/git/ref/heads/main', '/tags?page=1&per_page=100'],
    })
  })
})

describe('a repository that GitHub does not show has not lost its branches', () => {
  test.each([
    ['asked by name', ['main']],
    ['listed', ['*']],
  ])('%s', async (_, refs) => {
    await expect(heads(refs, [], { isHidden: true })).rejects.toMatchObject({
      name: 'GitHubRefused',
      status: 404,
    })
  })
})
