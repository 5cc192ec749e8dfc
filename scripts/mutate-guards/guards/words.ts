import type { Guard } from '../guard.ts'

const MARKDOWN = 'functions/report/check-run/markdown.ts'
const MARKDOWN_TEST = 'test/unit/functions/report/markdown.test.ts'
const TELLING = 'functions/report/tell-everybody.ts'
const TELLING_TEST = 'test/unit/functions/report/telling.test.ts'

/** Of what people are told: words of strangers stay words, and nobody is told who has not asked. */
export const WORDS: Guard[] = [
  {
    name: 'a log cannot leave its code block in a check',
    file: MARKDOWN,
    text: "'`'.repeat(Math.max(3, longestRun(text) + 1))",
    without: "'`'.repeat(3)",
    test: MARKDOWN_TEST,
    only: ['a fence of its own'],
  },
  {
    name: 'a name cannot leave its code span in a check',
    file: MARKDOWN,
    text: "'`'.repeat(longestRun(line) + 1)",
    without: "'`'",
    test: MARKDOWN_TEST,
    only: ['a backtick'],
  },
  {
    name: 'a name cannot leave its cell of a table in a check',
    file: 'functions/report/check-run/table.ts',
    text: ".replaceAll('|', '\\\\|')",
    without: '',
    test: MARKDOWN_TEST,
    only: ['and in a table cannot leave its cell'],
  },
  {
    name: 'GitHub is told about repositories of hearth.yml alone',
    file: TELLING,
    text: 'findRepository(config, target.repository)?.name',
    without: 'findRepository(config, target.repository)?.name ?? target.repository',
    test: TELLING_TEST,
    only: ['of a repository that hearth.yml does not name'],
  },
]
