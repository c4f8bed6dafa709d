"""What the help shows beside the options: a first tour, and examples for each command."""

ABOUT = """\
A failure lab: small faults are switched on, and the room watches them become an outage.
This tool starts the lab and does everything that its page can do."""

TOUR = """\
a first tour:
  ./scripts/lab doctor                     can this machine run it?
  ./scripts/lab up                         start it (without Docker: up --local)
  ./scripts/lab open                       the control room and Grafana, in the browser
  ./scripts/lab status --watch             the same in the terminal
  ./scripts/lab fail database slow_query   break something ...
  ./scripts/lab reset                      ... and be well again in three seconds
  ./scripts/lab scene full_cascade --verify
  ./scripts/lab down

every command has its own help with examples: ./scripts/lab help fail
completion for your shell: eval "$(./scripts/lab completion bash)"; zsh and fish are there, too

environment:
  LAB_URL          the control room's address, if it is not this machine's
  LAB_TOKEN        the token for changes, if the lab has one
  LAB_PORT_OFFSET  as --port-offset
  LAB_SERVICES     `up` in Docker starts these services alone
  NO_COLOR         no colours
LAB_PORT and the other ports, versions and sizes are in .env; the environment overrides them.

exit codes: 0 done, 1 the lab said no, 2 the command line makes no sense"""


EXAMPLES = {
    "up": """\
examples:
  ./scripts/lab up                           in Docker
  ./scripts/lab up --local                   as processes of this machine, without Docker
  ./scripts/lab up --port-offset 100         a second lab beside the first: 8180, 8100, 9190, 3100
  ./scripts/lab up -p blue --port-offset 200 a third, whose containers are named after team blue
  LAB_SERVICES="control-room traffic frontend api-1 api-2 api-3 database" ./scripts/lab up   without graphs
  LAB_IMAGES=registry.example.com/lab LAB_TAG=v1 ./scripts/lab up --no-build   with images from there

--local makes a virtual environment in .lab/venv first (once), and runs Prometheus too if it is on PATH.""",
    "down": """\
examples:
  ./scripts/lab down                         the lab in Docker
  ./scripts/lab down --local                 the one without
  ./scripts/lab down --port-offset 100       the one that was started with that offset
  ./scripts/lab down -p blue --port-offset 200""",
    "doctor": """\
examples:
  ./scripts/lab doctor
  ./scripts/lab doctor --port-offset 100     are those ports free?

Exit code 0 if the lab can run in Docker or without it, else 1.""",
    "open": """\
examples:
  ./scripts/lab open
  ./scripts/lab open --view                  the link for the room, to watch and change nothing""",
    "status": """\
examples:
  ./scripts/lab status
  ./scripts/lab status --watch               again every second, until Ctrl-C
  ./scripts/lab status --json | jq .kpis

GREEN is well. YELLOW is slow, or a little wrong: success below 99 %, p95 of 1 s or more, memory at 75 %.
RED is an outage: success below 90 %, a service down, or users who all hang.""",
    "events": """\
examples:
  ./scripts/lab events
  ./scripts/lab events --follow              and what comes, until Ctrl-C
  ./scripts/lab events --follow --json       an event a line""",
    "fail": """\
examples:
  ./scripts/lab fail database slow_query
  ./scripts/lab fail api memory_leak mb_per_request=5
  ./scripts/lab fail frontend latency delay_seconds=2 probability=0.1 duration_seconds=30

Parameters left out take their defaults. duration_seconds makes it end by itself.
`./scripts/lab fail` alone tells what there is, `./scripts/lab fail api` what the api has.""",
    "heal": """\
examples:
  ./scripts/lab heal database slow_query     this one
  ./scripts/lab heal database                all of the database's
  ./scripts/lab heal                         all there are

Queues may still be full and memory lost after that: `reset` cleans up too.""",
    "defend": """\
examples:
  ./scripts/lab defend frontend circuit_breaker
  ./scripts/lab defend api load_shedding max_in_flight=32""",
    "undefend": """\
examples:
  ./scripts/lab undefend frontend circuit_breaker
  ./scripts/lab undefend frontend
  ./scripts/lab undefend""",
    "set": """\
examples:
  ./scripts/lab set frontend client timeout_seconds=5 attempts=3
  ./scripts/lab set api pool size=20
  ./scripts/lab set api pool --default

Parameters left out take their defaults, too: name all that should differ.""",
    "traffic": """\
examples:
  ./scripts/lab traffic 10
  ./scripts/lab traffic 0                    nobody""",
    "request": """\
examples:
  ./scripts/lab request
  ./scripts/lab request -n 5                 one after another

Exit code 1 if one of them failed.""",
    "scene": """\
examples:
  ./scripts/lab scene                        what there is
  ./scripts/lab scene slow_query             reset, then start it; it stays until reset or the next scene
  ./scripts/lab scene slow_query --narrate   and tell the story as it goes
  ./scripts/lab scene slow_query --verify    and check its numbers: expected beside measured
  ./scripts/lab scene slow_query --predict   and beside what a simulation of it predicts
  ./scripts/lab scene retry_storm --with retry_budget            with a defence from the start
  ./scripts/lab scene retry_storm --with retry_budget --compare  without it, then with it: two outcomes, one table

--compare lets the same users come both times (--seed). It exits with 0 if the scene was as expected without the
defence, and more users were served with it. --verify and --predict exit with 1 if a number
misses, or if another scene or a reset cuts it short.""",
    "bet": """\
examples:
  ./scripts/lab bet                          every bet, and which is before the room
  ./scripts/lab bet open retry_storm         the room votes at /view; again, after they talked, for a second vote
  ./scripts/lab bet close retry_storm        the votes are shown; starting the scene closes it, too
  ./scripts/lab bet reveal retry_storm       which option is right, by what the lab has measured
  ./scripts/lab bet open retry_storm cure    another bet of the scene""",
    "drill": """\
examples:
  ./scripts/lab drill start --level 1        users come; something breaks within a minute, and nothing says what
  ./scripts/lab drill incident               "something is wrong"
  ./scripts/lab drill diagnose database slow_query
  ./scripts/lab drill end                    and what it was

Teams answer on their phones, at /view. The room works with dashboards, test requests, defences and settings;
failures and the number of users are the drill's own.""",
    "drill start": """\
examples:
  ./scripts/lab drill start
  ./scripts/lab drill start --level 3
  ./scripts/lab drill start --seed 7         the same card, the same wait, the same users

One card in six is "nothing is wrong but the traffic". A reset ends the drill.""",
    "drill status": """\
example:
  ./scripts/lab drill status""",
    "drill show": """\
example:
  ./scripts/lab drill show                   not where the room sees it""",
    "drill board": """\
examples:
  ./scripts/lab drill board frozen           as it is now, until the end
  ./scripts/lab drill board open""",
    "drill incident": """\
examples:
  ./scripts/lab drill incident
  ./scripts/lab drill incident --team blue

It costs points while nothing is wrong.""",
    "drill diagnose": """\
examples:
  ./scripts/lab drill diagnose database slow_query
  ./scripts/lab drill diagnose api-2 bad_version --team blue
  ./scripts/lab drill diagnose traffic arrivals       nothing is wrong but the traffic

A wrong answer costs points. Where several faults are hidden, name them one by one.""",
    "drill hint": """\
examples:
  ./scripts/lab drill hint
  ./scripts/lab drill hint --team blue""",
    "drill end": """\
example:
  ./scripts/lab drill end                    what was hidden is shown, and stays on until the next reset""",
    "drill report": """\
examples:
  ./scripts/lab drill report                 print it, as Markdown
  ./scripts/lab drill report --output monday  monday/report.md, and its charts beside it

It tells what it was, so it comes when the drill is over.""",
    "report": """\
examples:
  ./scripts/lab report                       print it, as Markdown
  ./scripts/lab report --output storm        storm/report.md, and its charts beside it as .svg files
  ./scripts/lab report > report.md           one file with its charts in it, for viewers that show such pictures

It tells of the scene that is on, or of the one that ended last; without one, of the last five minutes: summary in
numbers, expected beside measured, the room's bet, timeline, charts and questions for the discussion. GitHub shows
charts that are files, and none that are inside the document: there, use --output. It tells the cause: where the lab has
a token, it needs LAB_TOKEN.""",
    "workshop": """\
examples:
  ./scripts/lab workshop list                the plans that there are, and which is on
  ./scripts/lab workshop run talk            lead through the 45 minutes; Enter does what it says beside it
  ./scripts/lab workshop run talk --rehearse play all of it, to see in advance that everything works here

A plan is a file in workshops/. /presenter has the same, with the same clock: use one or both.""",
    "workshop list": """\
examples:
  ./scripts/lab workshop list
  ./scripts/lab workshop list --json         with every part""",
    "workshop run": """\
examples:
  ./scripts/lab workshop run talk            what to say, the clock, and what Enter does next
  ./scripts/lab workshop run talk            again: goes on where it is
  ./scripts/lab workshop run talk --rehearse               every scene and vote, with 12 simulated phones
  ./scripts/lab workshop run talk --rehearse --phones 100  a full room

Enter does the next thing, b goes back by one and s skips one (both do nothing to the lab), q leaves it on.
--rehearse takes as long as the scenes do, and exits with 1 if a vote was lost or a scene was not as expected.""",
    "workshop end": """\
example:
  ./scripts/lab workshop end""",
    "predict": """\
examples:
  ./scripts/lab predict retry_storm                         every expectation: median and range of 5 seeds
  ./scripts/lab predict retry_storm --rps 12                fewer users
  ./scripts/lab predict retry_storm --set api.client.attempts=2   one retry, in every step
  ./scripts/lab predict retry_storm --with retry_budget     the defence is on from the start
  ./scripts/lab predict retry_storm --recovers-below        the load below which it comes back by itself
  ./scripts/lab predict gray_failure --compare-policies     every number with each balancing policy
beyond what this machine can bear:
  ./scripts/lab predict retry_storm --rps 1000 --recovers-below --seeds 1 \\
    --set database.capacity.connections=x50 database.capacity.queue_limit=x50 database.threads=x50 \\
    api.threads=x50 api.pool.size=x50 frontend.threads=x50

A change holds in every step of the scene; what the scene does not have is set at its start. xN multiplies.
Exit code 0 whatever is predicted; `scene NAME --predict` judges what the lab measures.""",
    "help": """\
examples:
  ./scripts/lab help           the tour
  ./scripts/lab help scene     a command's own help""",
    "completion": """\
examples:
  eval "$(./scripts/lab completion bash)"           in ~/.bashrc; zsh in ~/.zshrc
  ./scripts/lab completion fish | source            in ~/.config/fish/config.fish""",
    "reset": """\
example:
  ./scripts/lab reset

It also heals what `infra` did. Exit code 1 unless the lab is GREEN after that.""",
    "infra": """\
examples:
  ./scripts/lab infra kill api               it stays down ...
  ./scripts/lab infra heal api               ... until it is healed
  ./scripts/lab infra pause database         frozen: connections stay open, nobody answers
  ./scripts/lab infra disconnect api         cut off from the network (Docker alone)
  ./scripts/lab infra limit-cpu api --cpus 0.1   starved (Docker alone)
  ./scripts/lab infra heal                   undo all of it""",
    "infra heal": """\
examples:
  ./scripts/lab infra heal api
  ./scripts/lab infra heal                   every service that something was done to""",
    "class up": """\
examples:
  ./scripts/lab class up --teams 8                  in this machine's Docker: ports 8180, 8280 and so on
  LAB_BIND=0.0.0.0 ./scripts/lab class up --teams 8 for the whole network, each team with a token of its own
  ./scripts/lab class up --teams 8 --kubernetes --values images.yaml
  ./scripts/lab class up --teams 8 --kubernetes --values images.yaml --domain class.example.com

A larger number later adds teams; those that are there keep their links and tokens. docs/class.md has the rest.""",
    "class down": "example:\n  ./scripts/lab class down",
    "class board": "example:\n  ./scripts/lab class board",
    "class sheet": "example:\n  ./scripts/lab class sheet --output sheet.html",
    "class scene": """\
examples:
  ./scripts/lab class scene full_cascade
  ./scripts/lab class scene normal --team 3         in team 3's lab alone""",
    "class drill": """\
examples:
  ./scripts/lab class drill --level 1
  ./scripts/lab class drill --end --team 3""",
    "class reset": """\
examples:
  ./scripts/lab class reset
  ./scripts/lab class reset --team 3                what `infra` did to it is undone, too""",
}
