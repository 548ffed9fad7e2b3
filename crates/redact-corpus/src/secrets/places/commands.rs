//! Command lines of programs, each with options of its own.

use super::super::form::{
    Form,
    Maker::{Key, Password, Recipe},
    place,
};

pub(super) const FORMS: &[Form] = &[
    place(
        "mysql_p",
        Password,
        &[
            "mysql -u root -p<W> -h db.internal shop",
            "mysqldump -uroot -p<W> shop > dump.sql",
            "mysqladmin -u root -p<W> ping",
        ],
    ),
    place(
        "mysql_p_quoted",
        Password,
        &["mysql -u root -p'<X>' -h db.internal", "mysql -h db -u app -p\"<X>\" shop"],
    ),
    place(
        "mysql_password",
        Password,
        &["mysql --user=root --password=<W> shop", "mariadb --user=app --password='<X>'"],
    ),
    place(
        "sshpass",
        Password,
        &[
            "sshpass -p <W> ssh root@10.0.0.5",
            "sshpass -p '<X>' scp a.txt bob@host:/tmp",
            "sshpass -p<W> ssh bob@host",
        ],
    ),
    place(
        "docker_login",
        Password,
        &[
            "docker login -u bob -p <W> registry.example.com",
            "docker login --username bob --password <W>",
            "podman login -u bob -p '<X>' quay.io",
        ],
    ),
    place(
        "docker_login_stdin",
        Password,
        &[
            "echo <W> | docker login -u bob --password-stdin",
            "echo \"<X>\" | docker login --username bob --password-stdin r.example.com",
        ],
    ),
    place(
        "redis_cli",
        Password,
        &[
            "redis-cli -h cache -p 6379 -a <W> ping",
            "redis-cli -a '<X>' keys x",
            "redis-cli --pass <W> info",
        ],
    ),
    place("redis_auth", Password, &["redis-cli> AUTH <W>", "requirepass <X>", "AUTH default <W>"]),
    place(
        "mongo",
        Password,
        &[
            "mongo --host db -u admin -p <W> --authenticationDatabase admin",
            "mongosh -u admin -p '<X>' mongodb://db:27017",
            "mongodump --username admin --password <W>",
        ],
    ),
    place(
        "psql",
        Password,
        &[
            "PGPASSWORD=<W> psql -h db -U app shop",
            "PGPASSWORD='<X>' pg_dump -U app shop",
            "export PGPASSWORD=\"<X>\"",
        ],
    ),
    place(
        "psql_keywords",
        Password,
        &[
            "psql \"host=db user=app password=<W> dbname=shop\"",
            "psql 'host=db port=5432 dbname=shop user=app password=<W>'",
        ],
    ),
    place(
        "sqlcmd",
        Password,
        &[
            "sqlcmd -S db.example.com -U sa -P <W> -Q 'SELECT 1'",
            "sqlcmd -S tcp:db -U sa -P '<X>' -d shop",
            "bcp shop.dbo.t out t.csv -S db -U sa -P <W>",
        ],
    ),
    place("sqlplus", Password, &["sqlplus system/<W>@orcl", "sqlplus scott/<W>@//db:1521/XE"]),
    place(
        "curl_user",
        Password,
        &[
            "curl -u admin:<W> https://api.example.com/v1",
            "curl -s -u 'admin:<X>' https://api.example.com",
            "curl --user admin:<W> -X POST https://api.example.com",
        ],
    ),
    place(
        "curl_proxy_user",
        Password,
        &[
            "curl --proxy-user bob:<W> -x proxy:3128 https://example.com",
            "curl -U bob:<W> -x proxy:3128 https://example.com",
        ],
    ),
    place(
        "curl_header",
        Key,
        &[
            "curl -H 'Authorization: Bearer <X>' https://api.example.com/v1",
            "curl -H \"X-Api-Key: <X>\" https://api.example.com",
            "curl --header 'Authorization: Token <X>' https://api.example.com",
        ],
    ),
    place(
        "curl_data",
        Password,
        &[
            "curl -d 'username=bob&password=<U>' https://example.com/login",
            "curl --data-urlencode 'password=<X>' https://example.com/login",
            "curl -X POST -d '{\"user\":\"bob\",\"password\":\"<J>\"}' https://example.com",
        ],
    ),
    place(
        "curl_form",
        Key,
        &[
            "curl -F token=<W> -F file=@a.txt https://example.com/up",
            "curl -d client_id=app -d client_secret=<W> https://example.com/token",
        ],
    ),
    place(
        "wget_password",
        Password,
        &[
            "wget --user=bob --password=<W> https://example.com/a.zip",
            "wget --http-user=bob --http-password='<X>' https://example.com",
            "wget --ftp-password=<W> ftp://example.com/a",
        ],
    ),
    place(
        "httpie_auth",
        Password,
        &[
            "http -a bob:<W> GET https://api.example.com",
            "xh --auth bob:<W> https://api.example.com",
        ],
    ),
    place(
        "htpasswd",
        Password,
        &[
            "htpasswd -b /etc/nginx/.htpasswd bob <W>",
            "htpasswd -nb bob <W>",
            "htpasswd -bc .htpasswd bob '<X>'",
        ],
    ),
    place(
        "openssl_pass",
        Password,
        &[
            "openssl pkcs12 -in a.p12 -passin pass:<W> -out a.pem",
            "openssl enc -aes-256-cbc -in a -out b -pass pass:<W>",
            "openssl rsa -in a.pem -passout 'pass:<X>'",
        ],
    ),
    place("openssl_k", Password, &["openssl enc -aes-256-cbc -pbkdf2 -k <W> -in a -out b"]),
    place(
        "gpg_passphrase",
        Password,
        &["gpg --batch --yes --passphrase <W> -d a.gpg", "gpg --batch --passphrase='<X>' -c a.txt"],
    ),
    place(
        "az_secret",
        Recipe("{a3}8Q~{k33}x"),
        &[
            "az login --service-principal -u app --client-secret <W> --tenant t",
            "az ad app credential reset --id app --client-secret <W>",
        ],
    ),
    place(
        "az_password",
        Password,
        &[
            "az login -u bob@example.com -p <W>",
            "az login --service-principal -u app -p '<X>' --tenant t",
            "az sql server create --admin-password <W> -n db",
        ],
    ),
    place(
        "az_account_key",
        Recipe("{b86}=="),
        &[
            "az storage blob list --account-name acme --account-key <W> -c c",
            "az storage blob list --account-name acme --account-key \"<X>\"",
        ],
    ),
    place(
        "helm_set",
        Password,
        &[
            "helm install db bitnami/postgresql --set auth.password=<F>",
            "helm upgrade db chart --set auth.postgresPassword=<F> --set replicas=2",
            "helm install x y --set-string adminPassword='<X>'",
        ],
    ),
    place(
        "kubectl_secret",
        Password,
        &[
            "kubectl create secret generic db --from-literal=password=<W>",
            "kubectl create secret generic db --from-literal=DB_PASSWORD='<X>' -n prod",
            "kubectl create secret docker-registry r --docker-username=bob --docker-password=<W>",
        ],
    ),
    place(
        "kubectl_token",
        Key,
        &[
            "kubectl config set-credentials bob --token=<W>",
            "oc login --token=<W> --server=https://api.example.com:6443",
        ],
    ),
    place(
        "ldapsearch",
        Password,
        &[
            "ldapsearch -x -H ldap://dc -D cn=admin,dc=x -w <W> -b dc=x",
            "ldapadd -D cn=admin -w '<X>' -f a.ldif",
            "ldapwhoami -x -D cn=admin -w <W>",
        ],
    ),
    place(
        "smbclient",
        Password,
        &[
            "smbclient //srv/share -U bob%<W>",
            "smbclient -L srv -U 'bob%<X>'",
            "rpcclient -U bob%<W> 10.0.0.5",
        ],
    ),
    place(
        "mount_cifs",
        Password,
        &[
            "mount -t cifs //srv/share /mnt -o username=bob,password=<F>",
            "//srv/share /mnt cifs user=bob,pass=<F> 0 0",
        ],
    ),
    place(
        "net_user",
        Password,
        &[
            "net user bob <W> /add",
            "net use Z: \\\\srv\\share /user:bob <W>",
            "net user Administrator <W>",
        ],
    ),
    place(
        "unzip_p",
        Password,
        &["unzip -P <W> a.zip", "zip -P <W> -r a.zip docs", "unzip -P '<X>' a.zip"],
    ),
    place(
        "seven_zip",
        Password,
        &["7z x -p<W> a.7z", "7z a -p'<X>' a.7z docs", "7za x a.zip -p<W>", "unrar x -p<W> a.rar"],
    ),
    place(
        "ansible_vars",
        Password,
        &[
            "ansible-playbook site.yml --extra-vars 'db_password=<W>'",
            "ansible-playbook -e ansible_become_pass=<W> site.yml",
            "ansible all -m ping -e \"ansible_password=<W>\"",
        ],
    ),
    place(
        "aws_configure",
        Recipe("{b40}"),
        &[
            "aws configure set aws_secret_access_key <W>",
            "aws configure set aws_secret_access_key '<X>' --profile dev",
            "AWS Secret Access Key [None]: <X>",
        ],
    ),
    place(
        "npm_config",
        Key,
        &[
            "npm config set //npm.example.com/:_authToken <W>",
            "npm config set //npm.example.com/:_authToken=<W>",
            "yarn config set npmAuthToken <W>",
        ],
    ),
    place(
        "git_clone",
        Key,
        &[
            "git clone https://bob:<U>@git.example.com/x.git",
            "git clone https://oauth2:<U>@git.example.com/x.git",
            "git remote set-url origin https://bob:<U>@git.example.com/x.git",
        ],
    ),
    place(
        "git_extraheader",
        Recipe("{!of x-access-token:(a40)}"),
        &[
            "git -c http.extraheader=\"AUTHORIZATION: basic <X>\" fetch",
            "git config http.extraheader 'Authorization: Basic <X>'",
        ],
    ),
    place(
        "twine_upload",
        Password,
        &[
            "twine upload -u bob -p <W> dist/x.whl",
            "twine upload --username bob --password '<X>' dist/x.whl",
        ],
    ),
    place(
        "gh_secret",
        Key,
        &[
            "gh secret set DEPLOY_TOKEN --body <W>",
            "gh secret set DEPLOY_TOKEN -b '<X>'",
            "gh secret set API_KEY --body \"<X>\" --repo a/b",
        ],
    ),
    place(
        "heroku_config",
        Key,
        &[
            "heroku config:set SECRET_KEY=<W> -a app",
            "fly secrets set API_TOKEN=<W>",
            "vercel env add API_TOKEN=<W>",
        ],
    ),
    place(
        "terraform_var",
        Password,
        &[
            "terraform apply -var 'db_password=<X>'",
            "terraform plan -var=\"db_password=<X>\"",
            "TF_VAR_db_password=<W> terraform apply",
        ],
    ),
    place(
        "keytool",
        Password,
        &[
            "keytool -list -keystore a.jks -storepass <W>",
            "keytool -genkey -alias x -storepass <W> -keystore a.jks",
            "jarsigner -keypass '<X>' a.jar x",
        ],
    ),
    place("signtool", Password, &["signtool sign /f a.pfx /p <W> /t http://t.example a.exe"]),
    place(
        "rabbitmqctl",
        Password,
        &[
            "rabbitmqctl add_user bob <W>",
            "rabbitmqctl change_password bob '<X>'",
            "rabbitmqadmin -u bob -p <W> list queues",
        ],
    ),
    place(
        "nmcli_wifi",
        Password,
        &[
            "nmcli dev wifi connect Home password <W>",
            "nmcli dev wifi connect Home password '<X>'",
            "netsh wlan set hostednetwork ssid=Home key=<W>",
        ],
    ),
    place(
        "vault_write",
        Password,
        &[
            "vault kv put secret/db password=<W>",
            "vault login -method=userpass username=bob password=<W>",
        ],
    ),
    place(
        "xfreerdp",
        Password,
        &[
            "xfreerdp /u:bob /p:<W> /v:10.0.0.5",
            "xfreerdp /v:srv /u:bob /p:'<X>'",
            "cmdkey /add:srv /user:bob /pass:<W>",
        ],
    ),
    place(
        "lftp",
        Password,
        &["lftp -u bob,<W> ftp.example.com", "ncftpput -u bob -p <W> ftp.example.com / a.txt"],
    ),
    place(
        "ipmitool",
        Password,
        &[
            "ipmitool -I lanplus -H bmc -U admin -P <W> power status",
            "snmpget -v3 -u bob -A <W> host sysUpTime.0",
        ],
    ),
    place(
        "evil_winrm",
        Password,
        &[
            "evil-winrm -i 10.0.0.5 -u bob -p <W>",
            "crackmapexec smb 10.0.0.5 -u bob -p '<X>'",
            "impacket-psexec corp/bob:<W>@10.0.0.5",
        ],
    ),
    place(
        "borg_restic",
        Password,
        &[
            "RESTIC_PASSWORD=<W> restic backup /home",
            "export BORG_PASSPHRASE='<X>'",
            "export RESTIC_PASSWORD=\"<X>\"",
        ],
    ),
    place(
        "here_string",
        Key,
        &["lpass login bob@example.com <<< '<X>'", "gh auth login <<< \"<X>\""],
    ),
    place(
        "plink",
        Password,
        &["plink -ssh -pw <W> root@10.0.0.9", "pscp -pw <W> a.txt root@h:/tmp"],
    ),
    place("snmp_community", Key, &["snmpwalk -v2c -c <W> 10.0.0.1", "rocommunity <W>"]),
    place(
        "network_device",
        Password,
        &["username bob password 0 <W>", "crypto isakmp key <W> address 10.0.0.1"],
    ),
];
