module gust/tests/clients_wsk

go 1.19
