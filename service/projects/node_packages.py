"""Packages of npm by what they tell of the project that depends on them."""

from __future__ import annotations

# Frameworks that are there for nothing else than a server of one's own, Express and NestJS apart, which are kinds.
_HOSTS = (
    "fastify",
    "koa",
    "elysia",
    "@hapi/hapi",
    "socket.io",
    "restify",
    "hyper-express",
    "polka",
    "@adonisjs/core",
    "@feathersjs/feathers",
    "apollo-server",
    "@apollo/server",
    "egg",
    "sails",
    "@loopback/core",
    "hono",
    "@hono/node-server",
    "strapi",
    "@strapi/strapi",
    "@keystone-6/core",
    "@medusajs/medusa",
    "directus",
    "moleculer",
    "parse-server",
    "graphql-yoga",
    "@midwayjs/core",
    "@redwoodjs/graphql-server",
    "@redwoodjs/api",
)
# Every framework that answers requests: some serve pages or other packages as well.
SERVERS = (
    *_HOSTS,
    "h3",
    "nitropack",
    "@trpc/server",
    "@tanstack/solid-start",
    "@solidjs/start",
    "@builder.io/qwik-city",
    "ghost",
    "payload",
    "nitro",
    "@google-cloud/functions-framework",
    "@azure/functions",
    "connect",
)
# What tells of a server by being depended on.
HOSTS = ("express", "@nestjs/core", "apollo-server-express", *_HOSTS)
# Those that a command of their own starts, without an entry file or a script in the package.
SELF_STARTED = (
    "@redwoodjs/graphql-server",
    "@redwoodjs/api",
    "@google-cloud/functions-framework",
    "@azure/functions",
    "nitropack",
    "nitro",
)
# What answers people through somebody else's service.
BOTS = (
    "discord.js",
    "telegraf",
    "gramio",
    "vk-io",
    "eris",
    "tmi.js",
    "@whiskeysockets/baileys",
    "grammy",
    "node-telegram-bot-api",
    "@slack/bolt",
    "whatsapp-web.js",
    "probot",
)
# Frameworks of which a library's components are made.
FRAMEWORKS = ("react", "vue", "svelte", "@angular/core")
# What a package needs at run time that is shown in a browser.
BROWSER = ("react-dom", "vue", "@angular/core", "angular", "svelte", "preact", "solid-js", "ember-source", "lit")
# What is installed on a device: nothing that Node.js runs on a server.
NO_PROGRAM = ("react-native", "expo", "electron", "@tauri-apps/api", "@tarojs/taro", "@dcloudio/uni-app")
# A package.json of nothing but these serves the people who work on a repository, not the repository.
TOOLING = (
    "prettier",
    "eslint",
    "husky",
    "lint-staged",
    "commitlint",
    "stylelint",
    "playwright",
    "turbo",
    "nx",
    "lerna",
    "concurrently",
    "npm-run-all",
    "markdownlint",
    "cspell",
    "semantic-release",
    "release-it",
    "changesets",
    "standard",
    "typescript",
    "remark",
    "textlint",
    "danger",
    "commitizen",
    "rimraf",
    "cross-env",
    "dotenv-cli",
    "biome",
    "cypress",
    "vercel",
    "wrangler",
    "firebase-tools",
    "serverless",
    "netlify-cli",
    "gh-pages",
    "all-contributors",
    "editorconfig",
    "secretlint",
    "pyright",
    "markdown",
    "types/node",
)
