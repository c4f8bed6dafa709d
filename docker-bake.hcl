# The lab's images for both processors, as a registry keeps them: ./scripts/images builds them, and pushes with --push.
# Compose builds its own, for this machine alone.

variable "LAB_IMAGES" { default = "sre-failure-lab" }
variable "LAB_TAG" { default = "latest" }
variable "PYTHON_IMAGE" { default = "python:3.13-slim" }
variable "REVISION" { default = "" }
variable "CREATED" { default = "" } # of the commit, as RFC 3339 has it: the same commit makes the same labels
variable "SOURCE" { default = "" }

group "default" {
  targets = ["alone", "chain"]
}

target "lab" {
  context    = "."
  dockerfile = "services/Dockerfile"
  platforms  = ["linux/amd64", "linux/arm64"]
  args       = { PYTHON_IMAGE = PYTHON_IMAGE }
  attest     = ["type=sbom", "type=provenance,mode=max"]
}

function "labels" {
  params = [service]
  result = {
    "org.opencontainers.image.title"       = "sre-failure-lab ${service}"
    "org.opencontainers.image.description" = "A failure lab for SRE workshops: ${service}"
    "org.opencontainers.image.version"     = LAB_TAG
    "org.opencontainers.image.revision"    = REVISION
    "org.opencontainers.image.created"     = CREATED
    "org.opencontainers.image.source"      = SOURCE
    "org.opencontainers.image.base.name"   = PYTHON_IMAGE
  }
}

target "alone" {
  inherits = ["lab"]
  matrix   = { service = ["traffic", "control-room"] }
  name     = service
  target   = service
  tags     = ["${LAB_IMAGES}/${service}:${LAB_TAG}"]
  labels   = labels(service)
}

target "chain" {
  inherits = ["lab"]
  matrix   = { service = ["frontend", "api", "database"] }
  name     = service
  target   = "chain"
  args     = { SERVICE = service }
  tags     = ["${LAB_IMAGES}/${service}:${LAB_TAG}"]
  labels   = labels(service)
}
