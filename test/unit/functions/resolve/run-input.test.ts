import { describe, expect, test } from 'vitest'
import { parseRunInput } from '../../../../functions/resolve/run-input.ts'

const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'

describe("an execution's input", () => {
  test.each([
    [
      'pasted by a person: a short ref is a branch, and it is by hand',
      { repository: 'acme/shells', ref: 'main' },
      { trigger: 'hand', repository: 'acme/shells', ref: 'refs/heads/main' },
    ],
    [
      'a short ref with a slash',
      { repository: 'acme/shells', ref: 'feature/x' },
      { trigger: 'hand', repository: 'acme/shells', ref: 'refs/heads/feature/x' },
    ],
    [
      'sent by the webhook',
      { trigger: 'push', repository: 'acme/shells', ref: 'refs/heads/main', commit: COMMIT, delivery: 'd-1' },
      { trigger: 'push', repository: 'acme/shells', ref: 'refs/heads/main', commit: COMMIT, delivery: 'd-1' },
    ],
    [
      'sent by the schedule',
      { trigger: 'schedule', repository: 'acme/shells', ref: 'refs/heads/main' },
      { trigger: 'schedule', repository: 'acme/shells', ref: 'refs/heads/main' },
    ],
    [
      'a short ref of a tag',
      { repository: 'acme/shells', ref: 'tags/v1' },
      { trigger: 'hand', repository: 'acme/shells', ref: 'refs/tags/v1' },
    ],
    [
      'sent by the webhook for a deletion',
      { trigger: 'delete', repository: 'acme/shells', ref: 'refs/heads/x', delivery: 'd-1' },
      { trigger: 'delete', repository: 'acme/shells', ref: 'refs/heads/x', delivery: 'd-1' },
    ],
    [
      'with attributes of its own',
      {
        repository: 'acme/shells',
        ref: 'main',
        retryFailed: true,
        attributes: ['devShells.ci', 'shell.nix'],
      },
      {
        trigger: 'hand',
        repository: 'acme/shells',
        ref: 'refs/heads/main',
        retryFailed: true,
        attributes: ['devShells.ci', 'shell.nix'],
      },
    ],
    [
      'a tag stays a tag',
      { repository: 'acme/shells', ref: 'refs/tags/v1' },
      { trigger: 'hand', repository: 'acme/shells', ref: 'refs/tags/v1' },
    ],
  ])('%s', (_, input, expected) => {
    expect(parseRunInput(input)).toEqual(expected)
  })
})

describe('what a run cannot be started with is shown the right form', () => {
  const good = { repository: 'acme/shells', ref: 'main' }
  test.each([
    ['nothing', {}, 'repository: Invalid input: expected string, received undefined'],
    ['no object', 'acme/shells', '(top): Invalid input: expected object, received string'],
    ['a repository without its owner', { ...good, repository: 'shells' }, 'repository: expected owner/name'],
    [
      'a repository by its URL',
      { ...good, repository: 'https://github.com/acme/shells' },
      'repository: expected owner/name',
    ],
    ['no ref', { repository: 'acme/shells' }, 'ref: Invalid input: expected string, received undefined'],
    ['an empty ref', { ...good, ref: '' }, 'ref: Too small: expected string to have >=1 characters'],
    ['a short commit', { ...good, commit: '6113728' }, 'commit: expected 40 hexadecimal digits'],
    [
      'another trigger',
      { ...good, trigger: 'cron' },
      'trigger: Invalid option: expected one of "push"|"delete"|"rerun"|"schedule"|"hand"',
    ],
    [
      'an attribute that is none, which is named',
      { ...good, attributes: ['devShells', '.#ci'] },
      'attributes.1: ".#ci" is none: expected an attribute path such as devShells, or a file',
    ],
    ['no attribute at all', { ...good, attributes: [] }, 'attributes: Too small'],
    ['attributes that are no list', { ...good, attributes: 'devShells' }, 'attributes: Invalid input'],
    ['a word for retryFailed', { ...good, retryFailed: 'yes' }, 'retryFailed: Invalid input'],
    ['a misspelt field', { ...good, comit: COMMIT }, '(top): Unrecognized key: "comit"'],
  ])('%s', (_, input, fault) => {
    const parse = () => parseRunInput(input)
    expect(parse).toThrow(expect.objectContaining({ name: 'InvalidRunInput' }) as Error)
    expect(parse).toThrow(fault)
    expect(parse).toThrow('The right form: {"repository": "owner/name", "ref": "main"}')
    for (const field of ['commit', 'retryFailed', 'attributes']) expect(parse).toThrow(`"${field}": `)
  })
})
