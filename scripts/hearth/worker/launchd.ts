/** A worker that launchd keeps running. */
export interface Daemon {
  stage: string
  /** the command: node, hearth's own script, and its arguments */
  command: string[]
  /** who it runs as */
  user: string
  environment: Record<string, string>
}

/** launchd's name for the worker of a deployment. */
export function labelOf(stage: string): string {
  return `hearth.worker.${stage}`
}

/** Where launchd finds what runs without anybody being signed in. Source: launchd.plist(5), FILES. */
export function plistFile(stage: string): string {
  return `/Library/LaunchDaemons/${labelOf(stage)}.plist`
}

export function logFile(stage: string): string {
  return `/Library/Logs/${labelOf(stage)}.log`
}

// 60 s: a stopped worker takes up to 25 s to upload what is built; launchd would kill it after 20.
const EXIT_SECONDS = 60
// 300 s: a Mac without room would otherwise take, and fail, a batch every 10 s.
const THROTTLE_SECONDS = 300

/** The property list of a worker. Source of the keys: launchd.plist(5). */
export function plistOf({ stage, command, user, environment }: Daemon): string {
  const log = logFile(stage)
  const entries: [string, string][] = [
    ['Label', string(labelOf(stage))],
    ['ProgramArguments', array(command.map(string))],
    ['UserName', string(user)],
    [
      'EnvironmentVariables',
      dictionary(Object.entries(environment).map(([name, text]) => [name, string(text)])),
    ],
    ['RunAtLoad', '<true/>'],
    // It ends by itself only when something is wrong with this Mac.
    ['KeepAlive', dictionary([['SuccessfulExit', '<false/>']])],
    ['ThrottleInterval', `<integer>${THROTTLE_SECONDS}</integer>`],
    ['ExitTimeOut', `<integer>${EXIT_SECONDS}</integer>`],
    // Builds are this Mac's work: the default kind is slowed down in favour of whoever sits at it.
    ['ProcessType', string('Interactive')],
    ['StandardOutPath', string(log)],
    ['StandardErrorPath', string(log)],
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${dictionary(entries)}
</plist>
`
}

function string(text: string): string {
  return `<string>${escapeXml(text)}</string>`
}

function array(items: string[]): string {
  return `<array>\n${indent(items.join('\n'))}\n</array>`
}

function dictionary(entries: [string, string][]): string {
  const lines = entries.flatMap(([key, value]) => [`<key>${escapeXml(key)}</key>`, value])
  return `<dict>\n${indent(lines.join('\n'))}\n</dict>`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
