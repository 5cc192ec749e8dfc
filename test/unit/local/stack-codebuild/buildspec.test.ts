import { describe, expect, test } from 'vitest'
import { InvalidBuildspec, parseBuildspec } from '../../../../local/codebuild/buildspec.ts'

test('a buildspec with everything that is known', () => {
  const buildspec = parseBuildspec(`
version: 0.2
env:
  shell: bash
  variables: { A: one, N: 2 }
  secrets-manager: { KEY: secret:key }
phases:
  install:
    runtime-versions: { nodejs: 24 }
    commands: [echo install]
  build:
    commands:
      - echo one
      - |
        echo two
        echo three
    finally: [echo cleanup]
`)
  const nothing = { commands: [], finally: [] }
  expect(buildspec).toEqual({
    variables: { A: 'one', N: '2' },
    secrets: { KEY: 'secret:key' },
    phases: {
      INSTALL: { commands: ['echo install'], finally: [] },
      PRE_BUILD: nothing,
      BUILD: { commands: ['echo one', 'echo two\necho three\n'], finally: ['echo cleanup'] },
      POST_BUILD: nothing,
    },
  })
})

describe('what is not known is refused by name', () => {
  test.each([
    ['another version', 'version: 0.1', 'version has to be 0.2'],
    ['no YAML', 'version: [', 'the buildspec is no YAML'],
    ['no mapping', 'hello', 'the buildspec is no YAML mapping'],
    [
      'artifacts',
      'version: 0.2\nartifacts: {}',
      'the buildspec: the local CodeBuild does not know "artifacts"',
    ],
    ['a phase', 'version: 0.2\nphases: { deploy: {} }', 'phases: the local CodeBuild does not know "deploy"'],
    [
      'on-failure',
      'version: 0.2\nphases: { build: { on-failure: CONTINUE } }',
      'phases.build: the local CodeBuild does not know "on-failure"',
    ],
    ['a shell', 'version: 0.2\nenv: { shell: zsh }', 'env.shell: the local CodeBuild has bash only'],
    [
      'a command that is no string',
      'version: 0.2\nphases: { build: { commands: [1] } }',
      'phases.build.commands has to be a list of strings',
    ],
  ])('%s', (_, text, message) => {
    expect(() => parseBuildspec(text)).toThrow(InvalidBuildspec)
    expect(() => parseBuildspec(text)).toThrow(message)
  })
})
