package policyfile

// Schema gives the JSON Schema (2020-12) of the language, for editors. What it refuses is a fault, too; the
// validator knows more: it also reads names, patterns, times and networks, and runs the tests.
func Schema() []byte { return []byte(schema) }

// schema is docs/policy.schema.json.
const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Wharfgate access policy",
  "description": "Who may pull, push and delete in which repositories. The order of the rules has no effect, and cannot always wins.",
  "type": "object",
  "additionalProperties": false,
  "required": ["version", "rules"],
  "properties": {
    "version": {"const": 1, "description": "The version of the language."},
    "groups": {
      "description": "Short names for directory groups: a name, and a group or a list of groups that it stands for.",
      "type": "object",
      "propertyNames": {"pattern": "^[a-z0-9]+([._-][a-z0-9]+)*$"},
      "additionalProperties": {"$ref": "#/$defs/texts"}
    },
    "rules": {
      "description": "The rules. Without one nothing is granted.",
      "type": "array",
      "maxItems": 200000,
      "items": {"$ref": "#/$defs/rule"}
    },
    "tests": {
      "description": "What must and must not be possible. They run whenever the file is read; one that fails keeps it out.",
      "type": "array",
      "items": {"$ref": "#/$defs/test"}
    }
  },
  "$defs": {
    "text": {"type": "string", "minLength": 1},
    "texts": {
      "oneOf": [
        {"$ref": "#/$defs/text"},
        {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"$ref": "#/$defs/text"}}
      ]
    },
    "subject": {
      "type": "string",
      "anyOf": [
        {"enum": ["anyone", "signed-in"]},
        {"pattern": "^(group|user|user-id|robot):.+$"}
      ]
    },
    "subjects": {
      "oneOf": [
        {"$ref": "#/$defs/subject"},
        {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"$ref": "#/$defs/subject"}}
      ]
    },
    "action": {"enum": ["pull", "push", "delete", "catalog", "everything"]},
    "actions": {
      "oneOf": [
        {"$ref": "#/$defs/action"},
        {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"$ref": "#/$defs/action"}}
      ]
    },
    "time": {
      "type": "string",
      "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2}))?$"
    },
    "catalogAlone": {
      "anyOf": [
        {"const": "catalog"},
        {"type": "array", "items": {"const": "catalog"}}
      ]
    },
    "withCatalog": {
      "anyOf": [
        {"const": "catalog"},
        {"type": "array", "contains": {"const": "catalog"}}
      ]
    },
    "rule": {
      "type": "object",
      "additionalProperties": false,
      "required": ["who"],
      "oneOf": [{"required": ["can"]}, {"required": ["cannot"]}],
      "allOf": [
        {
          "if": {
            "anyOf": [
              {"required": ["can"], "properties": {"can": {"$ref": "#/$defs/catalogAlone"}}},
              {"required": ["cannot"], "properties": {"cannot": {"$ref": "#/$defs/catalogAlone"}}}
            ]
          },
          "else": {"required": ["repos"]}
        },
        {
          "if": {
            "anyOf": [
              {"required": ["can"], "properties": {"can": {"$ref": "#/$defs/withCatalog"}}},
              {"required": ["cannot"], "properties": {"cannot": {"$ref": "#/$defs/withCatalog"}}}
            ]
          },
          "then": {"properties": {"repos": {"enum": ["**", ["**"]]}}}
        }
      ],
      "properties": {
        "who": {
          "description": "Whom the rule is about: anyone, signed-in, group:NAME, user:NAME, user-id:ID or robot:NAME. A list means or.",
          "$ref": "#/$defs/subjects"
        },
        "except": {
          "description": "Whom the rule is not about although who names them.",
          "$ref": "#/$defs/subjects"
        },
        "can": {
          "description": "What they can do. push and delete include pull.",
          "$ref": "#/$defs/actions"
        },
        "cannot": {
          "description": "What they cannot do, whatever other rules say. Who cannot pull cannot push or delete.",
          "$ref": "#/$defs/actions"
        },
        "repos": {
          "description": "Where. * is any characters inside one path part, ** is one or more parts, <hole> is what the hole in the group name took, <user> is the login name.",
          "$ref": "#/$defs/texts"
        },
        "on": {
          "description": "The service names of the registries that the rule is about; without it all.",
          "$ref": "#/$defs/texts"
        },
        "from": {
          "description": "The networks or addresses that the client must be in; without it anywhere.",
          "$ref": "#/$defs/texts"
        },
        "since": {
          "description": "The day or the moment at which the rule begins, as in 2026-12-31 or 2026-12-31T18:00:00Z.",
          "$ref": "#/$defs/time"
        },
        "until": {
          "description": "The day or the moment at which the rule ends. A day counts to its end, in UTC.",
          "$ref": "#/$defs/time"
        },
        "note": {
          "description": "Why the rule is there.",
          "type": "string",
          "minLength": 1,
          "maxLength": 500
        }
      }
    },
    "assertion": {"type": "string", "pattern": "^(catalog|(pull|push|delete) [^ *<>]+)$"},
    "assertions": {
      "oneOf": [
        {"$ref": "#/$defs/assertion"},
        {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"$ref": "#/$defs/assertion"}}
      ]
    },
    "test": {
      "type": "object",
      "additionalProperties": false,
      "required": ["as"],
      "anyOf": [{"required": ["can"]}, {"required": ["cannot"]}],
      "properties": {
        "as": {
          "description": "Who asks; {} is somebody without a login.",
          "type": "object",
          "additionalProperties": false,
          "not": {"anyOf": [{"required": ["robot", "user"]}, {"required": ["robot", "user-id"]}, {"required": ["robot", "groups"]}]},
          "properties": {
            "user": {"description": "A login name.", "$ref": "#/$defs/text"},
            "user-id": {"description": "The directory's id of the account.", "$ref": "#/$defs/text"},
            "groups": {"description": "The groups that they are in.", "$ref": "#/$defs/texts"},
            "robot": {"description": "The name of a robot.", "$ref": "#/$defs/text"},
            "from": {"description": "The client's address.", "$ref": "#/$defs/text"},
            "on": {"description": "The service name of the registry.", "$ref": "#/$defs/text"},
            "at": {"description": "When; without it now.", "$ref": "#/$defs/time"}
          }
        },
        "can": {"description": "What must be possible, such as \"push team-a/app\" or \"catalog\".", "$ref": "#/$defs/assertions"},
        "cannot": {"description": "What must not be possible.", "$ref": "#/$defs/assertions"}
      }
    }
  }
}
`
