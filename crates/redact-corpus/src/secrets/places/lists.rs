//! Pairs of a name and a value, and lists of variables.

use super::super::form::{
    Form,
    Maker::{Key, Password},
    place,
};

pub(super) const FORMS: &[Form] = &[
    place(
        "pair_json",
        Password,
        &[
            "{\"name\":\"DB_PASSWORD\",\"value\":\"<J>\"}",
            "[{\"name\":\"MODE\",\"value\":\"dev\"},{\"name\":\"DB_PASSWORD\",\"value\":\"<J>\"}]",
            "{\n  \"name\": \"DB_PASSWORD\",\n  \"value\": \"<J>\"\n}",
        ],
    ),
    place(
        "pair_json_key",
        Key,
        &[
            "{\"key\":\"API_KEY\",\"value\":\"<X>\"}",
            "{\"Key\":\"ACME_TOKEN\",\"Value\":\"<X>\"}",
            "{\"name\":\"ACME_API_KEY\",\"value\":\"<X>\"}",
        ],
    ),
    place(
        "pair_json_reversed",
        Password,
        &[
            "{\"value\":\"<J>\",\"name\":\"DB_PASSWORD\"}",
            "{\n  \"value\": \"<J>\",\n  \"key\": \"DB_PASSWORD\"\n}",
        ],
    ),
    place(
        "pair_yaml",
        Password,
        &[
            "env:\n- name: DB_PASSWORD\n  value: <X>\n",
            "env:\n  - name: DB_PASSWORD\n    value: \"<X>\"\n  - name: MODE\n    value: dev",
            "- key: DB_PASSWORD\n  value: '<X>'",
        ],
    ),
    place(
        "pair_yaml_key",
        Key,
        &["- name: API_KEY\n  value: <X>", "env:\n  - name: ACME_TOKEN\n    value: \"<X>\""],
    ),
    place(
        "pair_yaml_reversed",
        Key,
        &["- value: <X>\n  name: ACME_TOKEN", "- value: \"<X>\"\n  name: API_KEY"],
    ),
    place(
        "pair_ecs",
        Password,
        &[
            "{\"containerDefinitions\":[{\"environment\":[{\"name\":\"DB_PASSWORD\",\"value\":\"<J>\"}]}]}",
        ],
    ),
    place(
        "pair_ssm",
        Password,
        &[
            "{\"Parameter\":{\"Name\":\"/prod/db/password\",\"Type\":\"SecureString\",\"Value\":\"<J>\"}}",
            "aws ssm put-parameter --name /prod/db/password --value '<X>' --type SecureString",
        ],
    ),
    place(
        "secrets_manager",
        Password,
        &[
            "{\"Name\":\"prod/db\",\"SecretString\":\"<J>\"}",
            "aws secretsmanager create-secret --name prod/db --secret-string '<X>'",
        ],
    ),
    place(
        "list_docker_inspect",
        Password,
        &[
            "\"Env\": [\"PATH=/usr/bin\", \"DB_PASSWORD=<W>\"]",
            "[\"DB_PASSWORD=<W>\"]",
            "\"Env\": [\n  \"MODE=dev\",\n  \"DB_PASSWORD=<W>\",\n  \"PORT=1\"\n]",
        ],
    ),
    place(
        "docker_run",
        Password,
        &[
            "docker run -e DB_PASSWORD=<W> -p 80:80 app",
            "docker run --env 'DB_PASSWORD=<X>' app",
            "docker run -d -e POSTGRES_PASSWORD=<W> postgres:16",
            "docker run -e \"DB_PASSWORD=<X>\" app",
        ],
    ),
    place(
        "compose_map",
        Password,
        &[
            "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: <X>\n      POSTGRES_USER: app",
            "    environment:\n      POSTGRES_PASSWORD: \"<X>\"",
        ],
    ),
    place(
        "compose_list",
        Password,
        &[
            "services:\n  db:\n    environment:\n      - POSTGRES_PASSWORD=<X>\n      - POSTGRES_USER=app",
            "      - \"POSTGRES_PASSWORD=<W>\"",
        ],
    ),
    place(
        "actions_env",
        Key,
        &[
            "jobs:\n  build:\n    env:\n      DEPLOY_TOKEN: <X>\n",
            "    - run: make\n      env:\n        API_KEY: \"<X>\"",
            "        with:\n          token: <X>",
        ],
    ),
    place(
        "actions_output",
        Key,
        &["echo \"API_KEY=<W>\" >> $GITHUB_ENV", "::set-output name=token::<X>", "::add-mask::<X>"],
    ),
    place(
        "gitlab_ci",
        Key,
        &["variables:\n  DEPLOY_TOKEN: <X>\n", "variables:\n  API_KEY: \"<X>\"\nscript:\n  - make"],
    ),
    place(
        "argument_list",
        Password,
        &[
            "[\"tool\", \"--password\", \"<J>\", \"--host\", \"db\"]",
            "args: ['--password', '<X>']",
            "CMD [\"app\", \"--password=<W>\"]",
            "subprocess.run(['mysql', '-u', 'root', '--password', '<X>'])",
        ],
    ),
    place(
        "argument_yaml",
        Password,
        &[
            "args:\n- --user=bob\n- --password=<W>\n",
            "command: [\"redis-server\", \"--requirepass\", \"<J>\"]",
            "args:\n  - --password\n  - <X>\n",
        ],
    ),
    place(
        "mcp_config",
        Key,
        &[
            "{\"mcpServers\":{\"x\":{\"command\":\"npx\",\"env\":{\"ACME_API_KEY\":\"<X>\"}}}}",
            "{\"mcpServers\":{\"x\":{\"url\":\"https://x.example\",\"headers\":{\"X-Api-Key\":\"<X>\"}}}}",
            "{\"args\":[\"-y\",\"x-mcp\",\"--api-key\",\"<X>\"]}",
        ],
    ),
    place(
        "env_dump",
        Password,
        &[
            "HOME=/root\nPATH=/usr/bin\nDB_PASSWORD=<X>\nSHELL=/bin/sh",
            "declare -x DB_PASSWORD=\"<X>\"",
            "DB_PASSWORD: <X>\nHOME: /root",
        ],
    ),
    place(
        "csv",
        Password,
        &[
            "name,url,username,password\nx,https://example.com,bob,<F>",
            "url,username,password\nhttps://example.com,bob,<F>",
        ],
    ),
    place(
        "markdown_table",
        Password,
        &[
            "| user | password |\n|---|---|\n| bob | <W> |",
            "| Name | Value |\n|---|---|\n| DB_PASSWORD | <W> |",
        ],
    ),
    place(
        "html_input",
        Password,
        &[
            "<input type=\"password\" name=\"password\" value=\"<E>\">",
            "<input type=\"hidden\" name=\"api_key\" value=\"<E>\">",
            "<meta name=\"api-key\" content=\"<E>\">",
        ],
    ),
    place(
        "python_dict",
        Password,
        &[
            "DATABASES = {'default': {'USER': 'app', 'PASSWORD': '<X>', 'HOST': 'db'}}",
            "dict(user='app', password='<X>')",
            "connect(host=\"db\", password=\"<X>\", port=5432)",
        ],
    ),
    place(
        "list_of_passwords",
        Password,
        &["passwords = [\"<X>\"]", "passwords: ['<X>']", "passwords:\n  - \"<X>\"\n"],
    ),
    place("list_of_keys", Key, &["\"api_keys\": [\"<X>\"]", "API_TOKENS = ['<X>']"]),
    place("xml_parent", Password, &["<Password><Value><E></Value></Password>"]),
    place(
        "hadoop_property",
        Password,
        &[
            "<property><name>javax.jdo.option.ConnectionPassword</name><value><E></value></property>",
        ],
    ),
    place("html_cell", Password, &["<td>Password</td><td><E></td>"]),
    place("pair_type", Password, &["{\"type\":\"password\",\"value\":\"<J>\"}"]),
    place("wifi_code", Password, &["WIFI:T:WPA;S:Home;P:<F>;;"]),
    place("odbc_braces", Password, &["Driver={ODBC};Server=db;UID=sa;PWD={<F>};Encrypt=yes"]),
    place("shell_default", Key, &["${API_TOKEN:-<F>}"]),
];
