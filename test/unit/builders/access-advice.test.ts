import { describe, expect, test } from 'vitest'
import { adviseAccess } from '../../../builders/evaluation/access-advice.ts'
import { Redaction } from '../../../builders/machine/redaction.ts'

const place = { base: 'https://github.com', owner: 'acme' }
const ANSWER = {
  token: 'ghs_1',
  isApp: true,
  repositories: ['acme/shells', 'acme/lib'],
  unreachable: [{ repository: 'acme/tools', why: 'the GitHub App is not installed on acme/tools' }],
}
const advise = (words: string, answer: Parameters<typeof adviseAccess>[1]['answer'] = ANSWER) =>
  adviseAccess(words, { place, target: 'acme/shells', answer })

const tarball = (name: string): string =>
  `error: unable to download 'https://api.github.com/repos/${name}/tarball/abc': HTTP error 404\n\n  response body:\n\n  {"documentation_url": "https://docs.github.com/rest"}`

describe('what cannot be read is explained', () => {
  test.each([
    [
      'an input that hearth.yml does not name',
      tarball('acme/payroll'),
      'put `privateInputs: [acme/payroll]`',
    ],
    [
      'one by git',
      "fatal: repository 'https://github.com/acme/payroll.git/' not found",
      'put `privateInputs: [acme/payroll]`',
    ],
    [
      'one that git does not name',
      "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
      'acme/shells may read acme/shells, acme/lib',
    ],
    ['one on which the App is not installed', tarball('acme/tools'), 'is not installed on acme/tools'],
    ['one that the token should open', tarball('acme/lib'), 'hearth github status'],
    ['one of another owner', tarball('other/lib'), 'private inputs of acme alone'],
  ])('%s', (_, words, expected) => expect(advise(words)).toContain(expected))

  test('without credentials', () => {
    const nobody = { isApp: false, repositories: ['acme/shells'], unreachable: [] }
    expect(advise(tarball('acme/lib'), nobody)).toContain('hearth github setup')
  })
  test('without a token, although there are credentials', () => {
    expect(advise(tarball('acme/lib'), { why: 'the App is suspended' })).toContain('the App is suspended')
  })
})

test.each([
  ['a mistake in the flake', "error: attribute 'b' missing\nat https://github.com/acme/shells/x.nix"],
  ['a network that is gone', "error: unable to download 'https://api.github.com/repos/acme/lib': Timeout"],
])('%s is not', (_, words) => expect(advise(words)).toBeUndefined())

test('a redaction leaves every secret out, wherever it stands', () => {
  const redaction = new Redaction()
  expect(redaction.of('ghs_1')).toBe('ghs_1')
  redaction.keep('ghs_1')
  redaction.keep('')
  expect(redaction.of('a ghs_1, "ghs_1"')).toBe('a [token], "[token]"')
})
